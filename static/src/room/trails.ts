// The last quarter of an hour of what each firing alert measures: its past asked for once, then as it comes.
import { parseBlock, type Block } from '../wire/block';
import type { AlertView } from '../wire/alert';
import type { Labels } from '../wire/parse';

export const TRAIL_STEP_MS = 5_000;
/** Steps of a trail: a quarter of an hour, both ends counted. */
export const TRAIL_STEPS = 181;
/** Most alerts that have one; the oldest are forgotten. */
const TRAILS_MAX = 60;

interface Trail {
  /** Step of the first value. */
  first: number;
  values: number[];
}

/** Gives the values of one series of a block from step `first` on, NaN where there is none; null when it is not in it. */
export function valuesIn(block: Block, where: Labels, first: number, count: number): number[] | null {
  const row = block.v[block.series.findIndex(labels => isSame(labels, where))];
  if (!row) return null;
  const values = new Array<number>(count).fill(Number.NaN);
  block.t.forEach((time, i) => {
    const at = Math.round(time / TRAIL_STEP_MS) - first;
    if (at >= 0 && at < count) values[at] = row[i] ?? Number.NaN;
  });
  return values;
}

/** Whether two label sets are the same but for the name of the metric. */
function isSame(one: Labels, other: Labels): boolean {
  const rest = (labels: Labels): string => JSON.stringify([...labels].filter(([name]) => name !== '__name__').sort(([a], [b]) => (a < b ? -1 : 1)));
  return rest(one) === rest(other);
}

export class Trails {
  readonly #call: (method: string, request: unknown) => Promise<unknown>;
  readonly #trails = new Map<string, Trail>();

  constructor(call: (method: string, request: unknown) => Promise<unknown>) {
    this.#call = call;
  }

  /** Notes what an alert measures now and gives its trail, oldest first. `expr` is what its rule measures, '' when not known yet. */
  of(alert: AlertView, expr: string, value: number | null, now: number): readonly number[] {
    const step = Math.floor(now / TRAIL_STEP_MS);
    const key = `${alert.id} ${expr}`;
    const trail = this.#trails.get(key) ?? this.#begin(key, alert, expr, step);
    const passed = Math.min(TRAIL_STEPS, step - TRAIL_STEPS + 1 - trail.first);
    if (passed > 0) {
      trail.values = [...trail.values.slice(passed), ...new Array<number>(passed).fill(Number.NaN)];
      trail.first = step - TRAIL_STEPS + 1;
    }
    if (value !== null) trail.values[TRAIL_STEPS - 1] = value;
    return trail.values;
  }

  #begin(key: string, alert: AlertView, expr: string, step: number): Trail {
    const trail = { first: step - TRAIL_STEPS + 1, values: new Array<number>(TRAIL_STEPS).fill(Number.NaN) };
    this.#trails.set(key, trail);
    const oldest = this.#trails.keys().next().value;
    if (this.#trails.size > TRAILS_MAX && oldest !== undefined) this.#trails.delete(oldest);
    if (expr !== '') void this.#fill(trail, alert, expr);
    return trail;
  }

  async #fill(trail: Trail, alert: AlertView, expr: string): Promise<void> {
    const [start, end] = [trail.first * TRAIL_STEP_MS, (trail.first + TRAIL_STEPS - 1) * TRAIL_STEP_MS];
    try {
      const block = parseBlock(await this.#call('range', { expr, start, end, step: TRAIL_STEP_MS }));
      const past = block && valuesIn(block, alert.where, trail.first, TRAIL_STEPS);
      if (past) trail.values = trail.values.map((value, i) => (value === value ? value : past[i] ?? Number.NaN));
    } catch {
      // Refused, or the link broke: the trail begins now.
    }
  }
}

/** Gives the step from which an alert fires, of a trail that ends now. */
export function firingFrom(alert: AlertView, now: number): number {
  const steps = Math.floor((now - (alert.fired ?? alert.since)) / TRAIL_STEP_MS);
  return Math.max(0, TRAIL_STEPS - 1 - steps);
}
