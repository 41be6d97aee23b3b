// A place in a text, shown to who has to mend it.

/** A place in a text: line and column from 1, columns in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Letters of a line that are shown on each side of a place. */
const AROUND = 24;

/** Gives the line of a place, cut around it, and under it a mark. */
export function markedLine(text: string, place: Place, around = AROUND): string {
  const line = [...(text.split('\n')[place.line - 1] ?? '').replaceAll('\t', ' ')];
  const at = place.column - 1;
  const from = Math.max(0, at - around);
  const to = Math.min(line.length, at + around);
  const [before, after] = [from > 0 ? '…' : '', to < line.length ? '…' : ''];
  return `${before}${line.slice(from, to).join('')}${after}\n${' '.repeat(at - from + before.length)}^`;
}
