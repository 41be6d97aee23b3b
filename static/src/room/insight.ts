// Ticks rows that are in sight, or nearly: the rest is written when it comes there.

/** So far outside of its box a row counts as in sight. */
const NEAR = '100px';

export class InSight {
  readonly #observer: IntersectionObserver;
  readonly #ticks = new Map<Element, () => void>();
  readonly #seen = new Set<Element>();

  constructor(box: Element) {
    this.#observer = new IntersectionObserver(entries => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) this.#seen.delete(target);
        else if (this.#ticks.has(target)) this.#seen.add(target);
        if (isIntersecting) this.#ticks.get(target)?.();
      }
    }, { root: box, rootMargin: NEAR });
  }

  stop(): void {
    this.#observer.disconnect();
  }

  watch(row: Element, tick: () => void): void {
    this.#ticks.set(row, tick);
    this.#observer.observe(row);
  }

  leave(row: Element): void {
    if (!this.#ticks.delete(row)) return;
    this.#seen.delete(row);
    this.#observer.unobserve(row);
  }

  tick(): void {
    for (const row of this.#seen) this.#ticks.get(row)?.();
  }
}
