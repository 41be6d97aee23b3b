import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extremes, extremesOf } from '../src/data/extremes';
import { lonely } from '../src/draw/areas';
import { crosses, wordsOfStretches, type Box } from '../src/draw/labels';
import { rowsOf } from '../src/page/rows';
import { calmScale, niceStep, scaleFor, timeMarks } from '../src/data/ticks';

test('marks stand at 1, 2, 2.5 or 5 times a power of ten', () => {
  assert.deepEqual([0.13, 1, 1.1, 2.2, 3, 7, 40, 110].map(niceStep), [0.2, 1, 2, 2.5, 5, 10, 50, 200]);
});

test('an axis starts at zero, unless all values are far from it', () => {
  assert.deepEqual(scaleFor({ low: 3, high: 78 }).ticks, [0, 20, 40, 60, 80]);
  assert.deepEqual(scaleFor({ low: 42, high: 66 }), { min: 40, max: 70, ticks: [40, 50, 60, 70] });
});

test('fixed ends are kept', () => {
  assert.deepEqual(scaleFor({ low: 3, high: 61, min: 0, max: 100 }), { min: 0, max: 100, ticks: [0, 25, 50, 75, 100] });
});

test('a mirror reaches as far down as up', () => {
  const scale = scaleFor({ low: -180, high: 90, mirror: true });
  assert.equal(scale.min, -scale.max);
  assert.ok(scale.max >= 180);
  assert.deepEqual(scale.ticks, [-100, 0, 100]);
});

test('no values, one value, zeros and negatives have an axis', () => {
  for (const [low, high] of [[Infinity, -Infinity], [5, 5], [0, 0], [-3, -3], [-8, -2]] as const) {
    const scale = scaleFor({ low, high });
    assert.ok(scale.max > scale.min, `${low} ${high}`);
    assert.ok(scale.ticks.length >= 2, `${low} ${high}: ${scale.ticks.join()}`);
  }
});

test('one single value stands in the middle over zero, and none on the floor', () => {
  assert.deepEqual([scaleFor({ low: 1, high: 1 }).min, scaleFor({ low: 1, high: 1 }).max], [0, 2]);
  assert.deepEqual([scaleFor({ low: -4, high: -4 }).min, scaleFor({ low: -4, high: -4 }).max], [-8, 0]);
  assert.equal(scaleFor({ low: 0, high: 0 }).min, 0);
  assert.ok(scaleFor({ low: 3, high: 4 }).min < 3);
  assert.equal(scaleFor({ low: 1, high: 4 }).min, 0);
  assert.ok(scaleFor({ low: 5, high: 5, min: 0 }).max > 5);
});

test('words of gaps stand beside their own, none over another, none over a line', () => {
  const edges = { left: 36, right: 400, top: 8 };
  const at = (boxes: ({ left: number } | null)[]): (number | null)[] => boxes.map(box => box?.left ?? null);
  const free = (): boolean => false;
  assert.deepEqual(at(wordsOfStretches([{ from: 100, to: 110, width: 50 }], edges, free)), [115]);
  assert.deepEqual(at(wordsOfStretches([{ from: 360, to: 380, width: 50 }], edges, free)), [305]);
  assert.deepEqual(at(wordsOfStretches([{ from: 100, to: 110, width: 50 }, { from: 130, to: 140, width: 50 }, { from: 150, to: 160, width: 50 }], edges, free)), [45, null, 165]);
  assert.deepEqual(at(wordsOfStretches([{ from: 40, to: 200, width: 50 }, { from: 210, to: 390, width: 50 }], edges, free)), [95, 275]);
  const below = (box: Box): boolean => crosses([{ x: 100, y: 12 }, { x: 300, y: 12 }], box);
  assert.deepEqual(at(wordsOfStretches([{ from: 90, to: 95, width: 40 }], edges, below)), [45]);
  assert.deepEqual(at(wordsOfStretches([{ from: 200, to: 205, width: 40 }], edges, below)), [null]);
});

test('a line crosses a box with a point or with what joins two, and not where it has none', () => {
  const box = { left: 10, right: 20, top: 10, bottom: 20 };
  assert.equal(crosses([{ x: 5, y: 0 }, { x: 25, y: 40 }], box), true);
  assert.equal(crosses([{ x: 15, y: 15 }], box), true);
  assert.equal(crosses([{ x: 5, y: 0 }, { x: 15, y: 15, skip: true }, { x: 25, y: 40 }], box), false);
  assert.equal(crosses([{ x: 5, y: 30 }, { x: 25, y: 40 }], box), false);
});

test('samples without neighbours are found, to be drawn as dots', () => {
  const spots = [false, true, false, false, true, false].map((skip, x) => ({ x, y: 0, skip }));
  assert.deepEqual(lonely(spots).map(spot => spot.x), [0, 5]);
});

test('rows are counted as the grid lays them', () => {
  const kinds = (...widths: number[]) => widths.map(width => (width === 1 ? { kind: 'stat', width: 2 } as const : { kind: 'line', width } as const));
  assert.deepEqual(rowsOf(kinds(1, 1, 6, 3, 3, 4, 4, 4, 8, 4)), { rows: 3, stats: 1 });
  assert.deepEqual(rowsOf(kinds(4, 1, 4, 8, 6)), { rows: 3, stats: 1 });
  assert.deepEqual(rowsOf(kinds(...Array.from({ length: 9 }, () => 1))), { rows: 0, stats: 2 });
});

test('a scale grows at once and shrinks below half', () => {
  const wide = { min: 0, max: 100, ticks: [0, 50, 100] };
  const narrower = { min: 0, max: 80, ticks: [0, 40, 80] };
  const narrow = { min: 0, max: 40, ticks: [0, 20, 40] };
  assert.equal(calmScale(wide, narrower), wide);
  assert.equal(calmScale(wide, narrow), narrow);
  assert.equal(calmScale(narrow, wide), wide);
});

test('time marks are whole minutes of the local day', () => {
  const zone = 5.75 * 3_600_000;
  const from = Date.UTC(2026, 0, 1, 2, 57, 46);
  const marks = timeMarks(from, from + 900_000, 320, zone);
  assert.equal(marks.every, 300_000);
  assert.equal(marks.at.length, 3);
  for (const t of marks.at) assert.equal((t + zone) % 300_000, 0);
});

test('wider plots and shorter ranges get closer marks', () => {
  assert.equal(timeMarks(0, 300_000, 320, 0).every, 120_000);
  assert.equal(timeMarks(0, 60_000, 900, 0).every, 10_000);
  assert.equal(timeMarks(0, 86_400_000, 320, 0).every, 6 * 3_600_000 * 2);
});

test('thinning keeps every peak, and gaps', () => {
  const values = Array.from({ length: 900 }, (_, i) => (i === 437 ? 99 : i >= 600 && i < 700 ? Number.NaN : 1));
  const into = extremesOf(90);
  extremes(into, values.length, i => values[i] ?? Number.NaN);
  assert.equal(Math.max(...[...into.high].filter(value => !Number.isNaN(value))), 99);
  assert.equal(into.low[43], 1);
  assert.ok(Number.isNaN(into.high[65] ?? 0));
});

test('fewer values than buckets lose none', () => {
  const into = extremesOf(4);
  extremes(into, 4, i => i);
  assert.deepEqual([...into.high], [0, 1, 2, 3]);
});
