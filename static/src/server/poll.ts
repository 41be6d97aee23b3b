// Asks again and again while the page is seen and connected; less often while the answers fail.

/** Between two rounds, ms. */
export const EVERY_MS = 1_000;
/** Shortest wait after a round, ms: a node that is silent holds up each answer for a second. */
const REST_MS = 250;
/** Longest wait after rounds that failed, ms. */
const WAIT_MAX_MS = 15_000;

/** Why what is shown is not of now. */
export interface Trouble {
  /** When the last round worked, ms; null when none has yet. */
  readonly since: number | null;
  readonly error: unknown;
  /** When the next round is, ms. */
  readonly next: number;
}

export interface PollParts {
  /** Asks what is needed now; rejects when a part of it failed. */
  readonly ask: () => Promise<void>;
  /** Whether there is someone to ask for, and someone to ask. */
  readonly may: () => boolean;
  /** Says what is wrong after each round, null when nothing is. */
  readonly said: (trouble: Trouble | null) => void;
  readonly now: () => number;
}

/** Gives the wait after so many rounds that failed one after the other, ms. */
export function waitAfter(failures: number): number {
  return failures === 0 ? EVERY_MS : Math.min(WAIT_MAX_MS, EVERY_MS * 2 ** Math.min(failures - 1, 10));
}

export class Poll {
  readonly #parts: PollParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #again = false;
  #stopped = false;
  #failures = 0;
  #good: number | null = null;

  constructor(parts: PollParts) {
    this.#parts = parts;
  }

  /** Asks at once, or as soon as the answers that are awaited are here. Called when anything about the question changed. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#asking) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const { ask, may, said, now } = this.#parts;
    // Who hides the page or loses the link wakes this when it is back.
    if (!may()) return;
    this.#asking = true;
    this.#again = false;
    const began = now();
    let failed: { readonly error: unknown } | null = null;
    try {
      await ask();
    } catch (error) {
      failed = { error };
    }
    this.#asking = false;
    if (this.#stopped) return;
    this.#failures = failed ? this.#failures + 1 : 0;
    if (!failed) this.#good = now();
    const wait = this.#again ? 0 : Math.max(REST_MS, waitAfter(this.#failures) - (failed ? 0 : now() - began));
    this.#timer = setTimeout(() => void this.#round(), wait);
    said(failed ? { since: this.#good, error: failed.error, next: now() + wait } : null);
  }
}
