// Rates from totals: what was counted between two answers, a second.

/** An answer that comes this long after the last one begins anew, ms: its mean would not be of now. */
const APART_MAX_MS = 12_000;

interface Sample {
  readonly at: number;
  readonly totals: readonly number[];
}

/** Holds the totals of many keys over a short window; the totals of a key always have the same order. */
export class Rates {
  readonly #window: number;
  readonly #held = new Map<string, Sample[]>();

  /** `window` is the time that a rate looks over, ms, as far as answers reach. */
  constructor(window: number) {
    this.#window = window;
  }

  /** Takes the totals of a key. What is not newer is passed over; a smaller total means a restart, and begins anew. */
  take(key: string, at: number, totals: readonly number[]): void {
    const samples = this.#held.get(key) ?? [];
    const last = samples.at(-1);
    if (last && at === last.at) return;
    const anew = last !== undefined && (at < last.at || at - last.at > APART_MAX_MS || totals.some((total, i) => total < (last.totals[i] ?? 0)));
    const kept = anew ? [] : samples;
    kept.push({ at, totals });
    while (kept.length > 2 && (kept[1]?.at ?? at) <= at - this.#window) kept.shift();
    this.#held.set(key, kept);
  }

  /** Gives how much each total of a key grew in the window, and over how long (ms); null before two answers. */
  growth(key: string): { readonly grown: readonly number[]; readonly over: number } | null {
    const samples = this.#held.get(key) ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last || first === last) return null;
    return { grown: last.totals.map((total, i) => total - (first.totals[i] ?? 0)), over: last.at - first.at };
  }

  /** Gives the rate of each total of a key, a second; null before two answers. */
  of(key: string): readonly number[] | null {
    const growth = this.growth(key);
    return growth ? growth.grown.map(grown => (grown / growth.over) * 1000) : null;
  }

  /** Forgets all other keys. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#held.keys()) if (!keys.has(key)) this.#held.delete(key);
  }
}
