// The ranges of the page. Their steps follow the width of the plot, or what was asked for.
import type { Range } from '../data/view';
import { stepOf } from './step';

/** A plot's width before there is one, pixels. */
const WIDTH_FIRST = 800;

export class Steps {
  readonly ranges: readonly Range[];
  /** Width of the plot, pixels. */
  width = WIDTH_FIRST;
  /** The step that was asked for, ms; null is automatic. */
  own: number | null = null;

  constructor(ranges: readonly Range[]) {
    const live = (span: number): number => this.live(span);
    this.ranges = ranges.map(({ id, seconds }) => ({ id, seconds, get step() { return live(seconds * 1000); } }));
  }

  /** The step of a live stretch of a length, ms. */
  live(span: number): number {
    return stepOf({ span, width: this.width, own: this.own, live: true });
  }

  /** The step of a stretch that stands still, ms. */
  still(span: number): number {
    return stepOf({ span, width: this.width, own: this.own, live: false });
  }
}
