// What a series is called, and which colour it keeps.
import type { Labels } from '../wire/parse';

/** Fills `{{label}}` in a legend's template; a template without one is the name itself. */
export function legendName(template: string, labels: Labels): string {
  if (template !== '') return template.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name: string) => labels.get(name) ?? '');
  const rest = [...labels].filter(([name]) => name !== '__name__' && name !== 'job' && name !== 'instance');
  if (rest.length === 0) return labels.get('__name__') ?? '';
  return rest.map(([name, value]) => (rest.length === 1 ? value : `${name} ${value}`)).join(', ');
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
