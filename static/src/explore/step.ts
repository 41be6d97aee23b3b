// How far the points of a graph lie apart.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Steps that a live query can have, ms: those of the server. */
export const LIVE_STEPS: readonly number[] = [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE];
/** Steps that are chosen for a stretch that stands still, ms. */
const STEPS: readonly number[] = [...LIVE_STEPS, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR];

/** Most points of a live query: the server's own limit. */
export const LIVE_POINTS_MAX = 1_500;
/** Most points of a series in one answer: the server's own limit, less the two that a stretch gets when its ends are rounded. */
export const POINTS_MAX = 11_000 - 2;
/** A step shorter than this shows nothing: samples come once a second or less often. */
const STEP_MIN_MS = 100;

export interface StepWish {
  /** Length of what is shown, ms. */
  readonly span: number;
  /** Width of the plot, pixels. */
  readonly width: number;
  /** The step that was asked for, ms; null leaves it to the width. */
  readonly own: number | null;
  readonly live: boolean;
}

/** Gives the step, ms: the finest with no more points than pixels, or the one asked for as far as the server goes. */
export function stepOf({ span, width, own, live }: StepWish): number {
  const steps = live ? LIVE_STEPS : STEPS;
  const most = live ? LIVE_POINTS_MAX : POINTS_MAX;
  const fits = (step: number, points: number): boolean => span / step <= points;
  if (own !== null && !live) return Math.max(own, STEP_MIN_MS, Math.ceil(span / most));
  const least = own ?? 0;
  const points = own === null ? Math.min(most, Math.max(1, Math.floor(width))) : most;
  return steps.find(step => step >= least && fits(step, points)) ?? Math.max(steps.at(-1) ?? SECOND, live ? 0 : Math.ceil(span / points));
}

/** How many points that makes of each series. */
export function pointsOf(span: number, step: number): number {
  return Math.floor(span / step) + 1;
}

const UNITS = new Map([['ms', 1], ['s', SECOND], ['m', MINUTE], ['h', HOUR], ['d', 24 * HOUR]]);

/** Reads a step such as `15`, `15s` or `1m30s`, ms; null for an empty text, undefined for one that is no step. */
export function parseStep(text: string): number | null | undefined {
  const written = text.trim().toLowerCase();
  if (written === '') return null;
  if (/^\d+(\.\d+)?$/.test(written)) return positive(Math.round(Number(written) * SECOND));
  if (!/^(\d+(ms|[smhd]))+$/.test(written)) return undefined;
  let sum = 0;
  for (const [, n = '', unit = ''] of written.matchAll(/(\d+)(ms|[smhd])/g)) sum += Number(n) * (UNITS.get(unit) ?? 0);
  return positive(sum);
}

function positive(ms: number): number | undefined {
  return ms > 0 && ms <= 366 * 24 * HOUR ? ms : undefined;
}

/** Writes a step as PromQL writes durations: `1m30s`. */
export function stepText(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of [...UNITS].reverse()) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) text += `${n}${unit}`;
  }
  return text === '' ? '0s' : text;
}
