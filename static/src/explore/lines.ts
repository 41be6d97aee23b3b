// From a range answer to a table that a chart draws.
import { emptyTable, withBackfill, type Table } from '../data/table';
import type { Line } from './answer';

/** Series of one query that are drawn: as many as of a live one. */
export const LINES_MAX = 50;

/**
 * Gives the table of a stretch. Series that have nothing but native histograms are left out, and of the others those
 * past `LINES_MAX` are counted in `more`. `from` and `to` are whole multiples of `step`, ms.
 */
export function tableOf(lines: readonly Line[], { from, to, step }: { readonly from: number; readonly to: number; readonly step: number }): Table {
  const drawn = lines.filter(line => line.t.length > 0);
  const shown = drawn.slice(0, LINES_MAX);
  const first = Math.round(from / step);
  const count = Math.max(0, Math.round(to / step) - first + 1);
  const v = shown.map(line => {
    const values: number[] = new Array<number>(count).fill(Number.NaN);
    line.t.forEach((time, i) => {
      const at = Math.round(time / step) - first;
      if (at >= 0 && at < count) values[at] = line.v[i] ?? Number.NaN;
    });
    return values;
  });
  const t = Array.from({ length: count }, (_, i) => (first + i) * step);
  return withBackfill(emptyTable(step, count + 2), { step, series: shown.map(line => line.labels), t, v, more: drawn.length - shown.length, notes: [], table: 0 });
}
