// What a series is called, and which colour it keeps.
import type { Labels } from '../wire/parse';

/** Labels that name a series only where nothing else tells it apart. */
const PLAIN: ReadonlySet<string> = new Set(['__name__', 'job', 'instance']);

// Controls, marks that turn the direction of a text, line separators, and a mark without width.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Writes what cannot be seen, or turns the text around, as its number: `\u{202e}`. */
export function shown(text: string): string {
  return text.replace(HIDDEN, letter => `\\u{${letter.charCodeAt(0).toString(16)}}`);
}

/** Writes a text in one line: white space is one space. */
export function oneLine(text: string): string {
  return shown(text.replace(/\s+/g, ' ').trim());
}

/** Writes a text that keeps its lines and tabs. */
export function lined(text: string): string {
  return text.replace(/\r\n/g, '\n').split(/([\n\t])/).map(piece => (piece === '\n' || piece === '\t' ? piece : shown(piece))).join('');
}

/** Fills `{{label}}` in a legend's template; a template without one is the name itself. */
export function legendName(template: string, labels: Labels): string {
  if (template !== '') return template.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name: string) => shown(labels.get(name) ?? ''));
  const rest = [...labels].filter(([name]) => !PLAIN.has(name));
  if (rest.length === 0) return labels.get('__name__') ?? '';
  return rest.length === 1 ? shown(rest[0]?.[1] ?? '') : worded(rest);
}

function worded(labels: readonly (readonly [string, string])[]): string {
  return labels.map(([name, value]) => `${name} ${shown(value)}`).join(', ');
}

/** Gives names that tell series apart: those that would be called the same get their labels, and if need be all of them. */
export function distinctNames(names: readonly string[], labels: readonly Labels[]): string[] {
  const some = labels.map(one => worded([...one].filter(([label]) => !PLAIN.has(label))));
  const all = labels.map(one => worded([...one].filter(([label]) => label !== '__name__')));
  const [byName, bySome] = [counted(names), counted(some)];
  return names.map((name, i) => {
    if (byName.get(name) === 1) return name;
    return (bySome.get(some[i] ?? '') === 1 ? some[i] : all[i]) || name;
  });
}

function counted(words: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const word of words) times.set(word, (times.get(word) ?? 0) + 1);
  return times;
}

/** Gives the order in which the series of a query are named: buckets of a histogram by their limits, others as they came. */
export function seriesOrder(series: readonly Labels[]): number[] {
  const order = series.map((_, i) => i);
  const limits = series.map(labels => limitOf(labels.get('le')));
  if (limits.some(limit => limit !== limit)) return order;
  return order.sort((a, b) => ((limits[a] ?? 0) < (limits[b] ?? 0) ? -1 : (limits[a] ?? 0) > (limits[b] ?? 0) ? 1 : a - b));
}

function limitOf(le: string | undefined): number {
  if (le === undefined || le === '') return Number.NaN;
  return /^\+?inf$/i.test(le) ? Infinity : Number(le);
}

/** Colours there are; more series than these start again. */
export const COLOURS = 8;

/** Gives the colours (1 to 8) of a panel's series in order: a query's own for its first, then the next free ones. */
export class Palette {
  readonly #given = new Map<string, number>();
  readonly #reserved: ReadonlySet<number>;
  #next = 0;

  constructor(reserved: Iterable<number> = []) {
    this.#reserved = new Set(reserved);
  }

  /** Gives a series its colour; the same key keeps it for as long as the panel stands. */
  of(key: string, own: number | null): number {
    const known = this.#given.get(key);
    if (known !== undefined) return known;
    const colour = own ?? this.#free();
    this.#given.set(key, colour);
    return colour;
  }

  #free(): number {
    for (let i = 0; i < COLOURS; i++) {
      const colour = (this.#next++ % COLOURS) + 1;
      if (this.#reserved.size >= COLOURS || !this.#reserved.has(colour)) return colour;
    }
    return 1;
  }
}
