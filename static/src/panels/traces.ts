// From tables to what a chart draws: points written in place, and the extent of the values.
import type { Panel } from '../boot';
import { isLeftOut, valueAt, type Table } from '../data/table';
import type { Dot, Trace } from '../draw/model';
import type { Track } from './tracks';

export interface Extent {
  low: number;
  high: number;
}

/** Gives traces for tracks, keeping the points of those that were there before. */
export function tracesFor(tracks: readonly Track[], before: readonly Trace[]): Trace[] {
  const known = new Map(before.map(trace => [trace.key, trace]));
  return tracks.map(track => known.get(track.key) ?? { key: track.key, colour: track.colour, points: [] });
}

/** Writes all points of a panel between two times, one for each step, and gives the extent of what is drawn. */
export function fillTraces(traces: readonly Trace[], tracks: readonly Track[], tables: readonly (Table | null)[], panel: Panel, from: number, to: number): Extent {
  const extent = { low: Infinity, high: -Infinity };
  const stacked = panel.kind === 'stack';
  const complete = stacked ? completeUntil(tables) : Infinity;
  for (let i = 0; i < traces.length; i++) {
    const trace = traces[i];
    const track = tracks[i];
    const table = track ? tables[track.query] : null;
    if (!trace || !track || !table) continue;
    const first = Math.floor(from / table.step);
    const count = Math.max(0, Math.ceil(to / table.step) - first + 1);
    fit(trace, count);
    const below = stacked ? traces[i - 1]?.points : undefined;
    const sign = track.negative ? -panel.scale : panel.scale;
    for (let j = 0; j < count; j++) {
      const point = trace.points[j];
      if (!point) continue;
      if (isLeftOut(table, first + j)) {
        repeat(point, trace.points[j - 1]);
        continue;
      }
      let y = first + j > complete ? Number.NaN : valueAt(table, track.series, first + j) * sign;
      if (stacked) y = onTop(y, below?.[j]?.y ?? Number.NaN);
      point.x = (first + j) * table.step;
      point.y = y;
      if (y < extent.low) extent.low = y;
      if (y > extent.high) extent.high = y;
    }
  }
  return extent;
}

/** A step that was left out draws nothing of its own: the line goes on from the point before it. */
function repeat(point: Dot, before: Dot | undefined): void {
  point.x = before?.x ?? 0;
  point.y = before?.y ?? Number.NaN;
}

/** Steps by which one query of a panel may lag behind the others and is waited for. */
const LAG_MAX = 2;

/** Gives the newest step that all queries have: their frames come one by one, and half a stack is a wrong one. */
function completeUntil(tables: readonly (Table | null)[]): number {
  const newest = Math.max(...tables.map(table => table?.newest ?? -1));
  return Math.min(...tables.map(table => (table && table.newest >= newest - LAG_MAX ? table.newest : newest)));
}

/** What is missing in a stack counts as nothing, as long as something below it is there. */
function onTop(value: number, below: number): number {
  if (below !== below) return value;
  return value !== value ? below : below + value;
}

/** Another number of points means another list: Chart.js watches the methods of the one it has. */
function fit(trace: Trace, count: number): void {
  if (trace.points.length === count) return;
  const kept: Dot[] = trace.points.slice(0, count);
  while (kept.length < count) kept.push({ x: 0, y: Number.NaN });
  trace.points = kept;
}
