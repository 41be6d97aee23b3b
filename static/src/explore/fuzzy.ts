// Finding a name of which one remembers some letters.

/** How well a name fits, less is better; null when it lacks a letter. Whole pieces in one run come before scattered letters. */
export function fuzzyScore(name: string, wanted: string): number | null {
  const [text, letters] = [name.toLowerCase(), wanted.toLowerCase().replace(/\s+/g, '')];
  if (letters === '') return 0;
  const run = text.indexOf(letters);
  if (run >= 0) return (run === 0 ? 0 : startsWord(text, run) ? 10 : 100) + text.length / 1000;
  let [at, gaps, score] = [0, 0, 200];
  for (const letter of letters) {
    const next = text.indexOf(letter, at);
    if (next < 0) return null;
    if (next > at && at > 0) {
      gaps++;
      score += startsWord(text, next) ? 1 : 10;
    }
    at = next + 1;
  }
  return score + gaps + text.length / 1000;
}

function startsWord(text: string, at: number): boolean {
  return at === 0 || /[_:.\-/]/.test(text[at - 1] ?? '');
}

/** Gives the best names for some letters, at most `most` of them, and how many fit in all. */
export function fuzzyFind(names: readonly string[], wanted: string, most: number): { readonly found: readonly string[]; readonly all: number } {
  const scored = names.flatMap(name => {
    const score = fuzzyScore(name, wanted);
    return score === null ? [] : [{ name, score }];
  });
  scored.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  return { found: scored.slice(0, most).map(one => one.name), all: scored.length };
}
