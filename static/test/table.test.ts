import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Panel } from '../src/boot';
import { barsOf } from '../src/panels/barspanel';
import { gaps, newestSample, staleFor } from '../src/data/gaps';
import { notesOf } from '../src/data/notes';
import { emptyTable, firstAt, isFilled, isForeign, valueAt, withBackfill, withFrame, withRepeat, type Table } from '../src/data/table';
import { parseBlock, parseFrame } from '../src/wire/block';

const S = 1000;

function block(series: Record<string, string>[], t: number[], v: unknown[][], more = 0) {
  const parsed = parseBlock({ step: S, series, t: t.map(k => k * S), v, more });
  assert.ok(parsed);
  return parsed;
}

function frame(fields: { t: number[]; v: unknown[][]; from?: number; series?: Record<string, string>[]; table?: number }) {
  const parsed = parseFrame({ ...fields, t: fields.t.map(k => k * S), at: 0 });
  assert.ok(parsed);
  return parsed;
}

/** All values of a series in order, `-` for a step that never came, `.` for one without a value. */
function line(table: Table, series: number, from: number, to: number): string {
  const words: string[] = [];
  for (let k = from; k <= to; k++) {
    const value = valueAt(table, series, k);
    words.push(table.held[k % table.capacity] !== k ? '-' : Number.isNaN(value) ? '.' : String(value));
  }
  return words.join(' ');
}

const start = (): Table => withBackfill(emptyTable(S, 10), block([{ mode: 'user' }], [1, 2, 3], [[10, 20, 30]]));

test('a backfill and the frames after it join at one step', () => {
  const table = withFrame(start(), frame({ t: [4], v: [[40]] }));
  assert.equal(line(table, 0, 1, 4), '10 20 30 40');
  assert.equal(table.newest, 4);
});

test('a step that comes twice is there once', () => {
  const table = withFrame(withFrame(start(), frame({ t: [4], v: [[40]] })), frame({ t: [4], v: [[40]] }));
  assert.equal(line(table, 0, 1, 4), '10 20 30 40');
});

test('a correction replaces by time and leaves the newest step alone', () => {
  const table = withFrame(start(), frame({ t: [2, 1], v: [[21, 11]] }));
  assert.equal(line(table, 0, 1, 3), '11 21 30');
  assert.equal(table.newest, 3);
});

test('a correction older than the table is left out', () => {
  const table = withFrame(withFrame(start(), frame({ t: [40], v: [[1]] })), frame({ t: [30], v: [[5]] }));
  assert.equal(valueAt(table, 0, 40), 1);
  assert.equal(isFilled(table, 30), false);
  const edge = withFrame(table, frame({ t: [31], v: [[6]] }));
  assert.equal(valueAt(edge, 0, 31), 6);
});

test('the ring forgets what is older than its capacity', () => {
  const table = start();
  for (let k = 4; k <= 14; k++) withFrame(table, frame({ t: [k], v: [[k * 10]] }));
  assert.equal(isFilled(table, 4), false);
  assert.equal(line(table, 0, 5, 14), '50 60 70 80 90 100 110 120 130 140');
});

test('a new series has no value before it came, and a short v means that the rest have none', () => {
  const table = withFrame(start(), frame({ t: [4], v: [[40], [4]], from: 1, series: [{ mode: 'nice' }] }));
  withFrame(table, frame({ t: [5], v: [[50]] }));
  assert.equal(line(table, 1, 1, 5), '. . . 4 .');
  assert.equal(table.series[1]?.get('mode'), 'nice');
});

test('a frame with new series that comes twice adds none twice', () => {
  const again = frame({ t: [4], v: [[40], [4]], from: 1, series: [{ mode: 'nice' }] });
  assert.equal(withFrame(withFrame(start(), again), again).series.length, 2);
});

test('after a recovery the last minute is repeated, corrected, and series keep their places', () => {
  const table = withFrame(start(), frame({ t: [4], v: [[40]] }));
  withRepeat(table, block([{ mode: 'user' }, { mode: 'nice' }], [3, 4], [[30, 41], [null, 7]]));
  withFrame(table, frame({ t: [5], v: [[50], [8]] }));
  withFrame(table, frame({ t: [6], v: [[60], [9]] }));
  assert.equal(line(table, 0, 1, 6), '10 20 30 41 50 60');
  assert.equal(line(table, 1, 1, 6), '. . . 7 8 9');
});

test('a recovery may bring another table, of another node: values follow their labels', () => {
  const table = withFrame(start(), frame({ t: [4], v: [[40], [4]], from: 1, series: [{ mode: 'nice' }] }));
  withRepeat(table, block([{ mode: 'nice' }, { mode: 'idle' }, { mode: 'user' }], [5], [[5], [500], [50]]));
  withFrame(table, frame({ t: [6], v: [[6], [600], [60]] }));
  assert.deepEqual(table.series.map(labels => labels.get('mode')), ['user', 'nice', 'idle']);
  assert.equal(line(table, 0, 1, 6), '10 20 30 40 50 60');
  assert.equal(line(table, 1, 1, 6), '. . . 4 5 6');
  assert.equal(line(table, 2, 1, 6), '. . . . 500 600');
});

test('a frame from 0 on brings the table anew; what ended keeps its past', () => {
  const table = withFrame(start(), frame({ t: [4], v: [[4]], from: 0, series: [{ mode: 'new' }] }));
  withFrame(table, frame({ t: [5], v: [[5]] }));
  assert.equal(line(table, 0, 1, 5), '10 20 30 . .');
  assert.equal(line(table, 1, 1, 5), '. . . 4 5');
});

test('a single value is that of the series which stands first now', () => {
  const table = withFrame(start(), frame({ t: [4], v: [[4]], from: 0, series: [{ mode: 'new' }] }));
  assert.deepEqual([3, 4].map(k => firstAt(table, k)), [Number.NaN, 4]);
  withFrame(table, frame({ t: [5], v: [[50], [5]], from: 0, series: [{ mode: 'user' }, { mode: 'new' }] }));
  assert.deepEqual([3, 4, 5].map(k => firstAt(table, k)), [30, Number.NaN, 50]);
  assert.ok(Number.isNaN(firstAt(emptyTable(S, 10), 1)));
});

test('a frame of a table that was never seen is known by its version or its width', () => {
  const table = start();
  assert.equal(isForeign(table, frame({ t: [4], v: [[40]] })), false);
  assert.equal(isForeign(table, frame({ t: [4], v: [[40], [4]] })), true);
  assert.equal(isForeign(table, frame({ t: [4], v: [[40]], table: 1 })), true);
  withFrame(table, frame({ t: [], v: [], from: 0, series: [{ mode: 'new' }], table: 1 }));
  assert.equal(isForeign(table, frame({ t: [4], v: [[40]], table: 1 })), false);
});

test('series that come and go for long use columns again', () => {
  const table = emptyTable(S, 10);
  for (let k = 1; k <= 1_000; k++) withFrame(table, frame({ t: [k], v: [[k]], from: 0, series: [{ pod: String(k) }] }));
  assert.ok(table.columns.length <= 200);
  const at = table.series.findIndex(labels => labels.get('pod') === '1000');
  assert.equal(valueAt(table, at, 1_000), 1_000);
});

test('a table that comes anew takes no column which it still needs', () => {
  const table = emptyTable(S, 300);
  for (let k = 1; k <= 200; k++) withFrame(table, frame({ t: [k], v: [[k]], from: 0, series: [{ pod: String(k) }] }));
  withFrame(table, frame({ t: [201], v: [[-1], [-2], [-3]], from: 0, series: [{ pod: 'new' }, { pod: '1' }, { pod: '2' }] }));
  const column = (pod: string): number => table.series.findIndex(labels => labels.get('pod') === pod);
  assert.equal(table.columns.length, 200);
  assert.deepEqual(table.places, [column('new'), column('1'), column('2')]);
  assert.equal(new Set(table.places).size, 3);
  assert.equal(line(table, column('1'), 1, 2), '1 .');
  assert.deepEqual(['new', '1', '2'].map(pod => valueAt(table, column(pod), 201)), [-1, -2, -3]);
  assert.equal(column('3'), -1);
});

test('another epoch starts the table anew: other series may stand at the same places', () => {
  const table = withBackfill(start(), block([{ mode: 'idle' }], [7, 8], [[1, 2]]));
  assert.equal(table.series.length, 1);
  assert.equal(table.series[0]?.get('mode'), 'idle');
  assert.equal(line(table, 0, 1, 8), '- - - - - - 1 2');
});

test('NaN and infinities come as words', () => {
  const table = withFrame(start(), frame({ t: [4, 5, 6], v: [['NaN', '+Inf', '-Inf']] }));
  assert.equal(line(table, 0, 4, 6), '. Infinity -Infinity');
});

test('what is no block and no frame is refused', () => {
  assert.equal(parseBlock(null), null);
  assert.equal(parseBlock({ step: 0 }), null);
  assert.equal(parseFrame({ v: [[1]] }), null);
  assert.equal(parseFrame('x'), null);
});

test('an outage is one gap, from the last sample to the first after it', () => {
  const table = withBackfill(emptyTable(S, 60), block([{}], [1, 2, 3], [[1, 2, 3]]));
  withFrame(table, frame({ t: [20], v: [[1]] }));
  withFrame(table, frame({ t: [21], v: [[1]] }));
  assert.deepEqual(gaps([table], 0, 30 * S), [{ from: 3 * S, to: 20 * S }]);
});

test('steps without values are a gap too; a single one only breaks the line', () => {
  const table = withBackfill(emptyTable(S, 60), block([{}], [1, 2, 3, 4, 5, 6], [[1, null, 3, null, null, 6]]));
  assert.deepEqual(gaps([table], 0, 10 * S), [{ from: 3 * S, to: 6 * S }]);
});

test('there is no gap where another query of the panel has values, nor before the first or after the last sample', () => {
  const one = withBackfill(emptyTable(S, 60), block([{}], [5, 9], [[1, 1]]));
  const other = withBackfill(emptyTable(S, 60), block([{}], [5, 6, 7, 8, 9], [[1, 1, 1, 1, 1]]));
  assert.deepEqual(gaps([one, other], 0, 30 * S), []);
  assert.equal(newestSample([one, other]), 9 * S);
});

test('silence is stale after three steps and at least eight seconds', () => {
  assert.equal(staleFor(10_000, 17_000, 1000), 0);
  assert.equal(staleFor(10_000, 51_000, 1000), 41_000);
  assert.equal(staleFor(0, 80_000, 30_000), 0);
  assert.equal(staleFor(null, 80_000, 1000), 0);
});

test('a bar stands beside the whole of its name that is there now, not of one that ended', () => {
  const panel = { id: 'fs', title: 'File systems', scale: 1, max: 100, queries: [{ legend: '{{m}}' }, { legend: '{{m}}' }] } as unknown as Panel;
  const used = withBackfill(emptyTable(S, 10), block([{ m: '/' }], [1, 2], [[1, 2]]));
  const whole = withBackfill(emptyTable(S, 10), block([{ m: '/', dev: 'new' }, { m: '/', dev: 'old' }], [1, 2], [[null, 20], [10, null]]));
  assert.deepEqual(barsOf(panel, [used, whole]), [{ name: '/', used: 2, whole: 20 }]);
});

test('what is doubtful of several queries is told once each', () => {
  const noted = (...notes: string[]): Table => {
    const parsed = parseBlock({ step: S, series: [], t: [], v: [], more: 0, notes });
    assert.ok(parsed);
    return withBackfill(emptyTable(S, 10), parsed);
  };
  const info = 'PromQL info: metric might not be a counter (1:6)';
  assert.deepEqual(notesOf([noted(info, 'native histograms cannot be drawn'), null, noted(info)]), ['metric might not be a counter (1:6)', 'native histograms cannot be drawn']);
  assert.deepEqual(notesOf([start(), null]), []);
});
