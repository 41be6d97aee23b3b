// When the time line is written: at once, then again when it has rested twice as long as it took; on a page that is not
// seen, seldom.

/** Rests, ms: the shortest, and the longest; a storm of events must leave time for all else. */
const [REST_MIN_MS, REST_MAX_MS] = [4, 100];
/** How often a page that is not seen is written, ms. */
const HIDDEN_EVERY_MS = 1_000;

export class Redraw {
  readonly #root: Document;
  readonly #later: (ms: number, act: () => void) => void;
  readonly #write: () => void;
  readonly #clock: () => number;
  #asked = false;
  #restUntil = 0;

  constructor(root: Document, later: (ms: number, act: () => void) => void, write: () => void, clock: () => number = () => performance.now()) {
    this.#root = root;
    this.#later = later;
    this.#write = write;
    this.#clock = clock;
  }

  /** Whether something happened that is not written yet. */
  get isPending(): boolean {
    return this.#asked;
  }

  /**
   * Not in the next frame: a browser that is busy drawing gives frames late, and an alert must be on the page by then.
   * But after all that happens together.
   */
  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    const act = (): void => {
      this.#asked = false;
      const from = this.#clock();
      this.#write();
      const to = this.#clock();
      this.#restUntil = to + Math.min(REST_MAX_MS, Math.max(REST_MIN_MS, 2 * (to - from)));
    };
    const rest = this.#root.hidden ? HIDDEN_EVERY_MS : this.#restUntil - this.#clock();
    if (rest > 0) this.#later(rest, act);
    else queueMicrotask(act);
  }
}
