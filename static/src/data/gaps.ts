// Where nothing was sampled, though there were samples before and after.
import { isFilled, isLeftOut, type Table } from './table';

/** From the last sample before the gap to the first after it, ms. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Fewest missing steps in a row that are marked; fewer only break the line. */
const MISSING_MIN = 2;

/**
 * Gives the gaps of a panel between two times, in order. A step counts as there when any of its queries has a value.
 * What is missing after the last sample is no gap (it is stale), and before the first one neither.
 */
export function gaps(tables: readonly Table[], from: number, to: number): Gap[] {
  const step = tables[0]?.step;
  const found: Gap[] = [];
  if (step === undefined) return found;
  let last = -1;
  for (let k = Math.floor(from / step); k <= Math.ceil(to / step); k++) {
    if (!tables.some(table => isFilled(table, k) || isLeftOut(table, k))) continue;
    if (last >= 0 && k - last > MISSING_MIN) found.push({ from: last * step, to: k * step });
    last = k;
  }
  return found;
}

/** Gives the time of the newest sample of a panel, or null before the first. */
export function newestSample(tables: readonly Table[]): number | null {
  let newest = -1;
  for (const table of tables) newest = Math.max(newest, table.newestFilled * table.step);
  return newest < 0 ? null : newest;
}

/** Least silence that is called stale: the server's own rule (three intervals, at least 5 s), and the way here. */
const STALE_MIN_MS = 8_000;

/**
 * Gives how long a panel has had no sample, ms, or 0 while that is nothing to speak of. `step` is what lies between two
 * steps that come: more than that of the query while this reader is slowed.
 */
export function staleFor(newest: number | null, edge: number, step: number): number {
  if (newest === null) return 0;
  const silence = edge - newest;
  return silence > Math.max(STALE_MIN_MS, 3 * step) ? silence : 0;
}
