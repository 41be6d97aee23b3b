// Does something at once, and then no more often than every so many ms while it is asked again and again.

export class Gather {
  readonly #every: number;
  readonly #act: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #again = false;

  constructor(every: number, act: () => void) {
    this.#every = every;
    this.#act = act;
  }

  /** Acts now, or as soon as the last time is long enough ago. */
  ask(): void {
    if (this.#timer !== undefined) {
      this.#again = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.ask();
    }, this.#every);
    this.#act();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }
}
