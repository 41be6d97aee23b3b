// The small line of a rule over a day, with its limits dashed.
import { crisp, openCanvas } from './geometry';
import type { Ink } from './ink';

export interface Trend {
  /** One value for each step, NaN where there is none. */
  readonly values: readonly number[];
  /** Shaded where it is past this value, downwards or upwards. */
  readonly past?: { readonly at: number; readonly down: boolean; readonly ink: string } | null;
  readonly limits: readonly { readonly at: number; readonly ink: string }[];
  /** Shaded from this step on: since then an alert fires. */
  readonly since?: { readonly from: number; readonly ink: string };
}

const ROOM = 0.1;
const DASH = [3, 3];
const SHADE = 0.2;

function ends(trend: Trend): readonly [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of [...trend.values, ...trend.limits.map(limit => limit.at)]) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high === -Infinity) return null;
  const room = (high - low || Math.abs(high) || 1) * ROOM;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** Draws it into a canvas of this size, with hatches where there are no values. */
export function drawTrend(canvas: HTMLCanvasElement, width: number, height: number, trend: Trend, ink: Ink): void {
  const g = openCanvas(canvas, width, height);
  const range = ends(trend);
  if (!g || !range) return;
  const [low, high] = range;
  const last = Math.max(1, trend.values.length - 1);
  const x = (i: number): number => 1 + (i / last) * (width - 4);
  const y = (value: number): number => height - 2 - ((value - low) / (high - low)) * (height - 4);
  if (trend.since) {
    g.fillStyle = ink.faded(trend.since.ink, SHADE);
    g.fillRect(x(trend.since.from), 0, Math.max(1.5, x(last) - x(trend.since.from)), height);
  }
  if (trend.past) shade(g, trend, trend.past, x, height, ink);
  g.lineWidth = 1;
  for (const limit of trend.limits) {
    g.save();
    g.setLineDash(DASH);
    g.strokeStyle = ink.of(limit.ink);
    g.beginPath();
    g.moveTo(0, crisp(y(limit.at)));
    g.lineTo(width, crisp(y(limit.at)));
    g.stroke();
    g.restore();
  }
  g.lineWidth = 1.25;
  g.lineJoin = 'round';
  g.strokeStyle = ink.series(1);
  runs(trend.values, (from, to) => {
    g.beginPath();
    for (let i = from; i <= to; i++) g.lineTo(x(i), y(Math.min(high, Math.max(low, trend.values[i] ?? 0))));
    if (from === to && to < last) g.lineTo(x(from) + 1, y(trend.values[from] ?? 0));
    g.stroke();
  });
  const now = trend.values.at(-1) ?? Number.NaN;
  if (!Number.isFinite(now)) return;
  g.beginPath();
  g.arc(x(last), y(now), 1.75, 0, 7);
  g.fillStyle = ink.series(1);
  g.fill();
}

/** Shades the stretches that were past the limit. */
function shade(g: CanvasRenderingContext2D, trend: Trend, past: NonNullable<Trend['past']>, x: (i: number) => number, height: number, ink: Ink): void {
  g.fillStyle = ink.faded(past.ink, SHADE);
  const over = trend.values.map(value => ((past.down ? value < past.at : value > past.at) ? value : Number.NaN));
  runs(over, (from, to) => g.fillRect(x(from), 0, Math.max(1.5, x(to) - x(from)), height));
}

/** Calls back with each run of values, from its first to its last. */
function runs(values: readonly number[], draw: (from: number, to: number) => void): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    const from = i;
    while (i + 1 < values.length && !Number.isNaN(values[i + 1])) i++;
    draw(from, i);
  }
}
