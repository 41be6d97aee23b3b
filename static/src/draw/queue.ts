// When things are drawn: only what is seen, within a budget for each animation frame, and nothing while hidden.

/** Something with a canvas. */
export interface Drawable {
  draw(): void;
}

/** Time that one animation frame may spend on drawing, ms: a frame lasts 16.7, and the page has more to do. */
export const FRAME_BUDGET_MS = 6;

const FRAMES_KEPT = 4_096;

export interface FrameTimes {
  readonly frames: number;
  readonly draws: number;
  readonly totalMs: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Draws what is marked, first marked first, at most once for each mark; stops where one more like the last would not fit. */
export class DrawQueue {
  readonly #marked = new Set<Drawable>();
  readonly #hidden: () => boolean;
  readonly #now: () => number;
  readonly #frame: (callback: () => void) => void;
  readonly #after: () => void;
  readonly #times = new Float64Array(FRAMES_KEPT);
  #asked = false;
  #frames = 0;
  #draws = 0;
  #total = 0;

  /** `after` runs when a frame has drawn the last of what was marked. */
  constructor(hidden: () => boolean, now: () => number, frame: (callback: () => void) => void, after: () => void) {
    this.#hidden = hidden;
    this.#now = now;
    this.#frame = frame;
    this.#after = after;
  }

  mark(drawable: Drawable): void {
    this.#marked.add(drawable);
    this.wake();
  }

  forget(drawable: Drawable): void {
    this.#marked.delete(drawable);
  }

  /** Goes on after the page was hidden. */
  wake(): void {
    if (this.#asked || this.#marked.size === 0 || this.#hidden()) return;
    this.#asked = true;
    this.#frame(() => this.#run());
  }

  /** Script time of the frames that drew something, over the last few thousand. */
  get times(): FrameTimes {
    const sorted = this.#times.slice(0, Math.min(this.#frames, FRAMES_KEPT)).toSorted();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { frames: this.#frames, draws: this.#draws, totalMs: this.#total, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
  }

  resetTimes(): void {
    this.#frames = 0;
    this.#draws = 0;
    this.#total = 0;
  }

  #run(): void {
    this.#asked = false;
    const start = this.#now();
    let spent = 0;
    for (const drawable of this.#marked) {
      this.#marked.delete(drawable);
      drawable.draw();
      this.#draws++;
      const before = spent;
      spent = this.#now() - start;
      if (spent + (spent - before) > FRAME_BUDGET_MS) break;
    }
    this.#times[this.#frames++ % FRAMES_KEPT] = spent;
    this.#total += spent;
    if (this.#marked.size === 0) this.#after();
    this.wake();
  }
}
