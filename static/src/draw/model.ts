// What a chart is given to draw.
import type { Band } from '../alerts/bands';
import type { LimitLine } from '../alerts/limitlines';
import type { Gap } from '../data/gaps';
import type { Scale } from '../data/ticks';

/** A point as Chart.js takes it unparsed. Points are written in place, draw after draw. */
export interface Dot {
  x: number;
  y: number;
}

/** One line. `points` are ordered by time; y is NaN where there is no value. */
export interface Trace {
  readonly key: string;
  readonly colour: number;
  points: Dot[];
}

export interface ChartModel {
  readonly from: number;
  readonly to: number;
  readonly scale: Scale;
  readonly traces: readonly Trace[];
  /** Filled down to zero, to the trace before it, or not at all. */
  readonly fill: 'none' | 'zero' | 'below';
  readonly gaps: readonly Gap[];
  readonly bands: readonly Band[];
  readonly limit: { readonly at: number; readonly label: string } | null;
  /** Limits of rules, without words. */
  readonly limits: readonly LimitLine[];
  readonly mirrored: boolean;
  /** Since when there have been no samples, ms; null while they come. */
  readonly staleSince: number | null;
  /** Whether the right edge is now: the newest samples get their dots. */
  readonly live: boolean;
  readonly words: { readonly gap: (gap: Gap) => string };
}
