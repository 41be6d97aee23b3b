// What a figure was in the last quarter of an hour: a ring of slots, each as long as a step.
import type { Block } from '../wire/block';

/** Length of a slot, ms, and how many there are: a quarter of an hour. */
export const SLOT_MS = 5_000;
export const SLOTS = 180;

export class Trail {
  readonly #values = new Float64Array(SLOTS).fill(Number.NaN);
  /** Number of the newest slot since the epoch; -1 before the first value. */
  #newest = -1;

  /** Writes a value of now: the newest of a slot stays. */
  add(time: number, value: number): void {
    const slot = Math.floor(time / SLOT_MS);
    if (slot < this.#newest - 1) return;
    this.#reach(slot);
    this.#values[slot % SLOTS] = value;
  }

  /** Takes what was before the first value of this page; what is here is not written over. */
  fill(block: Block): void {
    block.t.forEach((time, i) => {
      const slot = Math.floor(time / SLOT_MS);
      if (this.#newest < 0) this.#reach(slot);
      if (slot > this.#newest || slot <= this.#newest - SLOTS || !Number.isNaN(this.#values[slot % SLOTS])) return;
      const values = block.v.map(row => row[i] ?? Number.NaN).filter(value => Number.isFinite(value));
      if (values.length > 0) this.#values[slot % SLOTS] = values.reduce((all, value) => all + value, 0);
    });
  }

  /** Gives the i-th slot, oldest first; NaN where nothing is known. */
  at(i: number): number {
    return this.#newest < 0 ? Number.NaN : this.#values[(this.#newest + 1 + i + SLOTS) % SLOTS] ?? Number.NaN;
  }

  /** Makes a slot the newest; those between are empty. */
  #reach(slot: number): void {
    if (slot <= this.#newest) return;
    for (let next = Math.max(this.#newest + 1, slot - SLOTS + 1); next <= slot; next++) this.#values[next % SLOTS] = Number.NaN;
    this.#newest = slot;
  }
}
