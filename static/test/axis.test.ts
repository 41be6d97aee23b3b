import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extremes, extremesOf } from '../src/data/extremes';
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
