// A day of each rule, asked for one after the other, and only for rows that are seen.
import { parseBlock, type Block } from '../wire/block';
import type { RuleView } from '../wire/rule';

const DAY_MS = 86_400_000;
const STEP_MS = 600_000;
/** Between two questions, ms: a page of rules must not be a burst of queries. */
const BETWEEN_MS = 60;
/** How long an answer is good, ms. */
const GOOD_MS = STEP_MS;
/** Wait after a question that failed, ms. */
const AGAIN_MS = 15_000;

/** Gives the worst value of all series at each step: the least where a rule looks downwards. */
export function worstOf(block: Block, start: number, end: number, downwards: boolean): number[] {
  const count = Math.round((end - start) / block.step) + 1;
  const values = new Array<number>(count).fill(Number.NaN);
  block.t.forEach((time, k) => {
    const i = Math.round((time - start) / block.step);
    if (i < 0 || i >= count) return;
    for (const row of block.v) {
      const value = row[k] ?? Number.NaN;
      const before = values[i] ?? Number.NaN;
      if (value === value && (before !== before || (downwards ? value < before : value > before))) values[i] = value;
    }
  });
  return values;
}

export function looksDown(rule: RuleView): boolean {
  return /^(below|<)/.test(rule.limits[0]?.op ?? '');
}

export class Trends {
  readonly #call: (method: string, request: unknown) => Promise<unknown>;
  readonly #now: () => number;
  readonly #arrived: (rule: string) => void;
  readonly #known = new Map<string, { readonly expr: string; readonly at: number; readonly values: readonly number[] }>();
  readonly #wanted = new Map<string, RuleView>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;

  constructor(call: (method: string, request: unknown) => Promise<unknown>, now: () => number, arrived: (rule: string) => void) {
    this.#call = call;
    this.#now = now;
    this.#arrived = arrived;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#wanted.clear();
  }

  /** Gives a day of a rule, or null until it came; asks for what is not here or too old. */
  of(rule: RuleView, isSeen: boolean): readonly number[] | null {
    const known = this.#known.get(rule.id);
    const good = known?.expr === rule.expr;
    if (isSeen && (!good || this.#now() - known.at > GOOD_MS)) {
      this.#wanted.set(rule.id, rule);
      this.#soon();
    }
    return good ? known.values : null;
  }

  #soon(): void {
    if (!this.#asking) this.#timer ??= setTimeout(() => void this.#next(), BETWEEN_MS);
  }

  async #next(): Promise<void> {
    this.#timer = undefined;
    const rule = this.#wanted.values().next().value;
    if (!rule) return;
    this.#wanted.delete(rule.id);
    this.#asking = true;
    const end = Math.floor(this.#now() / STEP_MS) * STEP_MS;
    const start = end - DAY_MS;
    let at = this.#now();
    let values: readonly number[] = new Array<number>(DAY_MS / STEP_MS).fill(Number.NaN);
    try {
      const block = parseBlock(await this.#call('range', { expr: rule.expr, start, end, step: STEP_MS }));
      if (block) values = worstOf(block, start, end, looksDown(rule));
    } catch {
      // Refused, or the link broke: the row stays without a line, and is asked for again soon.
      at -= GOOD_MS - AGAIN_MS;
    }
    this.#asking = false;
    this.#known.set(rule.id, { expr: rule.expr, at, values });
    this.#arrived(rule.id);
    if (this.#wanted.size > 0) this.#soon();
  }
}
