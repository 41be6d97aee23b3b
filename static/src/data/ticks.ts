// Where the marks of an axis stand.

/** A value axis: its ends, and its marks in ascending order. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** What an axis is asked for: the least and the most there is, what is fixed, and how many marks are wanted. */
export interface Wish {
  readonly low: number;
  readonly high: number;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly mirror?: boolean;
  readonly marks?: number;
}

const NICE = [1, 2, 2.5, 5, 10];

/** Gives the nice distance between marks (1, 2, 2.5 or 5 times a power of ten) that is not under `least`. */
export function niceStep(least: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const nice = NICE.find(n => n * power >= least * 0.999_999) ?? 10;
  return nice * power;
}

/** A value axis starts at zero, unless all values are far from it and close to each other. */
function startsAtZero(low: number, high: number): boolean {
  return low >= 0 && low < high * 0.6;
}

/** Gives the scale for a wish. An empty panel gets 0 to 1. */
export function scaleFor(wish: Wish): Scale {
  const marks = wish.marks ?? 4;
  let low = Number.isFinite(wish.low) ? wish.low : 0;
  let high = Number.isFinite(wish.high) ? wish.high : 1;
  if (wish.mirror === true) {
    const reach = wish.max ?? (Math.max(Math.abs(low), Math.abs(high)) || 1);
    const step = niceStep((reach * 2) / (marks + 1));
    const most = wish.max ?? Math.max(step, reach * 1.04);
    return { min: -most, max: most, ticks: marksBetween(-most, most, step) };
  }
  if (wish.min === undefined && startsAtZero(low, high)) low = 0;
  low = wish.min ?? low;
  high = wish.max ?? Math.max(high, low);
  if (high <= low) [low, high] = around(low, wish);
  const step = niceStep((high - low) / marks);
  let min = wish.min ?? Math.floor(low / step + 1e-9) * step;
  const max = wish.max ?? (Math.ceil(high / step - 1e-9) * step || 0);
  // What lies on the floor of an axis looks like zero.
  if (wish.min === undefined && min !== 0 && wish.low - min < step * 0.05) min -= step;
  return { min, max, ticks: marksBetween(min, max, step) };
}

/** Ends of an axis for one single value: it stands in the middle, over zero. */
function around(value: number, wish: Wish): [number, number] {
  if (wish.max !== undefined && wish.max <= value) return [wish.min ?? value - 1, value];
  if (value === 0 || (wish.min !== undefined && wish.min >= value)) return [value, value + (value === 0 ? 1 : Math.abs(value))];
  return value > 0 ? [wish.min ?? 0, value * 2] : [wish.min ?? value * 2, 0];
}

function marksBetween(min: number, max: number, step: number): number[] {
  const found: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Keeps a scale while it still fits, so that the axis does not tremble: it grows at once, and shrinks below half. */
export function calmScale(before: Scale | null, next: Scale): Scale {
  if (before === null || next.max > before.max || next.min < before.min) return next;
  const span = before.max - before.min;
  return next.max - next.min < span * 0.55 ? next : before;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DISTANCES = [1000, 5000, 10_000, 15_000, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR];

/** Least room of one time mark, pixels. */
const TIME_MARK_PX = 84;

/** Marks of a time axis, ms since the epoch; `every` tells how precise their words must be. */
export interface TimeMarks {
  readonly every: number;
  readonly at: readonly number[];
}

/** Gives whole minutes and hours of the local day. `zone` is what local time is ahead of UTC, ms. */
export function timeMarks(from: number, to: number, width: number, zone: number): TimeMarks {
  const room = ((to - from) / Math.max(width, 1)) * TIME_MARK_PX;
  const every = DISTANCES.find(distance => distance >= room) ?? 24 * HOUR;
  const at: number[] = [];
  for (let t = Math.ceil((from + zone) / every) * every - zone; t <= to; t += every) at.push(t);
  return { every, at };
}
