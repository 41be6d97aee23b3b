// What the live pill says: how late samples are on the screen, and how many come.

/** Seconds over which the rate is taken. */
const RATE_SECONDS = 5;
const DELAYS_KEPT = 15;

/** Newest step of the page, samples a second, and the delay from sample to screen. */
export class Pulse {
  /** Time of the newest step that came over any feed, ms; 0 before the first. */
  edge = 0;
  readonly #now: () => number;
  readonly #counts = new Float64Array(RATE_SECONDS + 1);
  readonly #seconds = new Float64Array(RATE_SECONDS + 1);
  readonly #delays: number[] = [];
  #since = 0;
  /** The newest step that brought a value: an empty query moves time on, but there is nothing of it to be seen. */
  #valued = 0;
  #undrawn: number | null = null;

  /** `now` is the server's clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  arrived(newest: number, values: number): void {
    if (newest > this.edge) this.edge = newest;
    if (values === 0) return;
    if (newest > this.#valued) {
      this.#valued = newest;
      this.#undrawn = newest;
    }
    const second = Math.floor(this.#now() / 1000);
    if (this.#since === 0) this.#since = second;
    const at = second % this.#counts.length;
    if (this.#seconds[at] !== second) {
      this.#seconds[at] = second;
      this.#counts[at] = 0;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + values;
  }

  /** Called when a draw has put the newest step on the screen; only the first draw of a step counts. */
  drawn(): void {
    if (this.#undrawn === null) return;
    this.#delays.push(Math.max(0, this.#now() - this.#undrawn));
    this.#undrawn = null;
    if (this.#delays.length > DELAYS_KEPT) this.#delays.shift();
  }

  /** Gives the median delay of the last seconds, ms, or null before the first draw. */
  get delay(): number | null {
    const sorted = this.#delays.toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }

  /** Gives samples a second over the last whole seconds. */
  get rate(): number {
    const second = Math.floor(this.#now() / 1000);
    const whole = Math.min(RATE_SECONDS, second - this.#since);
    if (this.#since === 0 || whole <= 0) return 0;
    let sum = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      const at = this.#seconds[i] ?? 0;
      if (at < second && at >= second - whole) sum += this.#counts[i] ?? 0;
    }
    return sum / whole;
  }

  /** Forgets delays: after an outage the old ones say nothing. */
  reset(): void {
    this.#delays.length = 0;
    this.#undrawn = null;
  }
}
