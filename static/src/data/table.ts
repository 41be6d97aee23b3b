// The samples of one query on the page: a ring of steps for each series, and the reducers that fill it.
import type { Block, Frame } from '../wire/block';
import type { Labels } from '../wire/parse';

/**
 * The newest `capacity` steps of one query.
 *
 * Step k (k = time / step) lives in slot k mod capacity, so that a correction replaces by time and nothing is ever
 * moved. `held[slot]` is the k that lives there, -1 for none; `filled[slot]` is 1 when a series has a value at it, 2 when
 * the server left the step out because this reader was slowed: nothing is known of it, but nothing is missing either.
 * A series keeps its column until the table is emptied. `places` are the server's positions, which another node, or the
 * same one later, may give to other series: each block, and a frame from 0 on, brings them anew.
 */
export interface Table {
  readonly step: number;
  readonly capacity: number;
  readonly series: Labels[];
  readonly columns: Float64Array[];
  /** The column of each position of the server's table, and that table's version. */
  readonly places: number[];
  version: number;
  /** Counts changes of what the columns are. */
  generation: number;
  readonly held: Float64Array;
  readonly filled: Uint8Array;
  /** The newest step that came, -1 before the first. */
  newest: number;
  /** The newest step with a value, -1 before the first. */
  newestFilled: number;
  /** Series that matched but are not drawn. */
  more: number;
  /** What is doubtful about the values, for people. */
  notes: readonly string[];
}

export function emptyTable(step: number, capacity: number): Table {
  return {
    step, capacity, series: [], columns: [], places: [], version: 0, generation: 0, held: new Float64Array(capacity).fill(-1), filled: new Uint8Array(capacity),
    newest: -1, newestFilled: -1, more: 0, notes: [],
  };
}

/** Gives the value of a series at step k; NaN where there is none. */
export function valueAt(table: Table, series: number, k: number): number {
  const slot = k % table.capacity;
  return table.held[slot] === k ? table.columns[series]?.[slot] ?? Number.NaN : Number.NaN;
}

/**
 * Gives the value at step k of the series at the server's first position, NaN where there is none. It is the one that a
 * panel of a single series shows: the columns of those before it outlive them.
 */
export function firstAt(table: Table, k: number): number {
  return valueAt(table, table.places[0] ?? -1, k);
}

/** Tells whether step k came and holds at least one value. */
export function isFilled(table: Table, k: number): boolean {
  const slot = k % table.capacity;
  return table.held[slot] === k && table.filled[slot] === 1;
}

/** Starts the table anew: another epoch, or a reader that was away for too long to be caught up. */
export function withBackfill(table: Table, block: Block): Table {
  table.series.length = 0;
  table.columns.length = 0;
  table.generation++;
  table.held.fill(-1);
  table.filled.fill(0);
  table.newest = -1;
  table.newestFilled = -1;
  return withRepeat(table, block);
}

/** Takes a block into what is there: after a recovery, the last minute comes once more and replaces by time. */
export function withRepeat(table: Table, block: Block): Table {
  addSeries(table, 0, block.series);
  table.version = block.table;
  table.more = block.more;
  table.notes = block.notes;
  for (let j = 0; j < block.t.length; j++) write(table, block.t[j], block.v, j);
  return table;
}

/** Tells whether step k was left out by a server that slowed this reader. */
export function isLeftOut(table: Table, k: number): boolean {
  const slot = k % table.capacity;
  return table.held[slot] === k && table.filled[slot] === 2;
}

/** Tells whether a frame speaks of a table that this one never saw: the frame that told of it was lost to a slow link. */
export function isForeign(table: Table, frame: Frame): boolean {
  if (frame.from === 0) return false;
  return frame.table !== table.version || Math.max(frame.from, frame.v.length) > table.places.length;
}

/**
 * Takes one frame: an append, a correction (replaces by time), or one that brings new series. `stride` is how many steps
 * the server advances with each frame, more than 1 while this reader is slowed.
 */
export function withFrame(table: Table, frame: Frame, stride = 1): Table {
  if (stride > 1 && frame.t.length > 0) leaveOut(table, Math.round((frame.t[0] ?? Number.NaN) / table.step), stride);
  if (frame.from >= 0) addSeries(table, frame.from, frame.series);
  if (frame.from === 0) table.version = frame.table;
  for (let j = 0; j < frame.t.length; j++) write(table, frame.t[j], frame.v, j);
  return table;
}

/** Columns that a table has at most: the server draws 50 series, and those that ended stay until they scroll out. */
const COLUMNS_MAX = 200;

/**
 * Notes which series stand at the server's positions from one on; a frame that comes twice adds none twice. The known
 * ones are looked up first: no column that the frame still needs may go to a series that stands before it.
 */
function addSeries(table: Table, from: number, series: readonly Labels[]): void {
  if (from === 0) table.places.length = 0;
  const known = series.map(labels => table.series.findIndex(one => sameLabels(one, labels)));
  const drawn = new Set([...table.places, ...known]);
  series.forEach((labels, i) => {
    const at = known[i] ?? -1;
    const column = at >= 0 ? at : addColumn(table, labels, drawn);
    drawn.add(column);
    table.places[from + i] = column;
  });
}

function sameLabels(a: Labels, b: Labels): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

/** Adds a column, or takes that of a series which the server draws no more and whose last value is the oldest. */
function addColumn(table: Table, labels: Labels, drawn: ReadonlySet<number>): number {
  table.generation++;
  const at = table.columns.length < COLUMNS_MAX ? table.columns.length : oldestColumn(table, drawn);
  table.series[at] = labels;
  table.columns[at] = new Float64Array(table.capacity).fill(Number.NaN);
  return at;
}

function oldestColumn(table: Table, drawn: ReadonlySet<number>): number {
  let [oldest, when] = [0, Infinity];
  table.columns.forEach((column, i) => {
    if (drawn.has(i)) return;
    const last = column.reduce((newest, value, slot) => (value === value ? Math.max(newest, table.held[slot] ?? -1) : newest), -1);
    if (last < when) [oldest, when] = [i, last];
  });
  return oldest;
}

/** Marks the steps before `next` as left out, as far as a slowed server leaves them out; a longer silence is a gap. */
function leaveOut(table: Table, next: number, stride: number): void {
  if (table.newest < 0 || !(next - table.newest <= stride)) return;
  for (let k = table.newest + 1; k < next; k++) {
    write(table, k * table.step, [], 0);
    table.filled[k % table.capacity] = 2;
  }
}

function write(table: Table, time: number | undefined, v: Frame['v'], j: number): void {
  const k = Math.round((time ?? Number.NaN) / table.step);
  if (!(k >= 0) || k <= table.newest - table.capacity) return;
  const slot = k % table.capacity;
  let filled = 0;
  for (const column of table.columns) column[slot] = Number.NaN;
  for (let i = 0; i < table.places.length; i++) {
    const value = v[i]?.[j] ?? Number.NaN;
    const column = table.columns[table.places[i] ?? -1];
    if (column) column[slot] = value;
    if (value === value) filled = 1;
  }
  table.held[slot] = k;
  table.filled[slot] = filled;
  if (k > table.newest) table.newest = k;
  if (filled === 1 && k > table.newestFilled) table.newestFilled = k;
}
