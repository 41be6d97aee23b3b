// How many rows the panels of a page take: src/http/view.rs counts them the same way for the first screen.
import type { Panel } from '../boot';

const COLUMNS = 12;
const STATS_MAX = 8;

/** Counts rows of panels, and rows of stats: stats that follow each other share one, at most eight. */
export function rowsOf(panels: readonly Pick<Panel, 'kind' | 'width'>[]): { rows: number; stats: number } {
  let [rows, stats, left, run] = [0, 0, 0, 0];
  for (const { kind, width } of panels) {
    if (kind === 'stat') {
      if (run % STATS_MAX === 0) stats++;
      run++;
      left = 0;
      continue;
    }
    run = 0;
    if (left < width) {
      rows++;
      left = COLUMNS;
    }
    left -= width;
  }
  return { rows, stats };
}
