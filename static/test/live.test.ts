import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanOf, stepFor, viewAfter, type View } from '../src/data/view';
import { DrawQueue, FRAME_BUDGET_MS } from '../src/draw/queue';
import { retryDelay, slowedOf, strideOf } from '../src/live/link';
import { Pulse } from '../src/live/pulse';
import { ServerTime } from '../src/live/servertime';
import { gaps } from '../src/data/gaps';
import { emptyTable, isLeftOut, withBackfill, withFrame } from '../src/data/table';
import { parseBlock, parseFrame } from '../src/wire/block';
import { parsePanel } from '../src/boot';
import { Palette } from '../src/data/names';
import { tracksOf } from '../src/panels/tracks';
import { fillTraces, tracesFor } from '../src/panels/traces';

const RANGES = [{ id: '5m', seconds: 300, step: 1000 }, { id: '15m', seconds: 900, step: 1000 }, { id: '1h', seconds: 3600, step: 5000 }];
const EDGE = 10_000_000;
const LIVE: View = { kind: 'live', range: 1 };
const after = (view: View, act: Parameters<typeof viewAfter>[1]): View => viewAfter(view, act, RANGES, EDGE);

test('live follows the edge, held stands still', () => {
  const held = after(LIVE, { kind: 'hold' });
  assert.deepEqual(spanOf(held, RANGES, EDGE + 60_000), { from: EDGE - 900_000, to: EDGE });
  assert.deepEqual(after(held, { kind: 'live' }), LIVE);
  assert.equal(after(held, { kind: 'hold' }), held);
});

test('a zoom holds, in either direction; one that is too short is none', () => {
  const zoomed = after(LIVE, { kind: 'zoom', from: EDGE - 10_000, to: EDGE - 100_000 });
  assert.deepEqual(spanOf(zoomed, RANGES, EDGE), { from: EDGE - 100_000, to: EDGE - 10_000 });
  assert.equal(after(LIVE, { kind: 'zoom', from: EDGE - 1000, to: EDGE }), LIVE);
});

test('a shift never goes past the newest sample', () => {
  const back = after(LIVE, { kind: 'shift', by: -60_000 });
  assert.deepEqual(spanOf(back, RANGES, EDGE), { from: EDGE - 960_000, to: EDGE - 60_000 });
  assert.deepEqual(spanOf(after(back, { kind: 'shift', by: 500_000 }), RANGES, EDGE), { from: EDGE - 900_000, to: EDGE });
});

test('ranges end at the shortest and the longest', () => {
  assert.equal(after(LIVE, { kind: 'range', range: 9 }).range, 2);
  assert.equal(after(LIVE, { kind: 'range', range: -1 }).range, 0);
});

test('a held stretch is asked in the finest step that fits', () => {
  assert.equal(stepFor(0, 900_000, RANGES), 1000);
  assert.equal(stepFor(0, 3_600_000, RANGES), 5000);
  assert.equal(stepFor(0, 86_400_000, RANGES), 5000);
});

test('the queue draws within its budget, once for each mark, and nothing while hidden', () => {
  let now = 0;
  let hidden = false;
  let drawn = 0;
  let done = 0;
  const frames: (() => void)[] = [];
  const queue = new DrawQueue(() => hidden, () => now, callback => frames.push(callback), () => done++);
  const slow = Array.from({ length: 10 }, () => ({ draw: () => { drawn++; now += FRAME_BUDGET_MS / 2; } }));
  for (const one of [...slow, ...slow]) queue.mark(one);
  assert.equal(frames.length, 1);
  let asked = 0;
  while (frames.length > 0) { asked++; frames.shift()?.(); }
  assert.equal(drawn, 10);
  assert.equal(asked, 5);
  assert.equal(done, 1);
  hidden = true;
  for (const one of slow) queue.mark(one);
  assert.equal(frames.length, 0);
  hidden = false;
  queue.wake();
  assert.equal(frames.length, 1);
});

test('attempts wait longer each time, between the least and the most', () => {
  assert.equal(retryDelay(0, 0), 300);
  assert.equal(retryDelay(0, 1), 600);
  assert.equal(retryDelay(2, 0.5), 900);
  assert.equal(retryDelay(40, 1), 5_000);
});

test('the pulse measures rate over whole seconds, and delay once a step', () => {
  let now = 100_000;
  const pulse = new Pulse(() => now);
  for (let s = 0; s < 5; s++) {
    pulse.arrived(now, 0);
    pulse.arrived(now, 40);
    now += 38;
    pulse.drawn();
    pulse.drawn();
    now += 962;
  }
  assert.equal(pulse.rate, 40);
  assert.equal(pulse.delay, 38);
  assert.equal(pulse.edge, 104_000);
});

test('the server’s time is taken from the answer that travelled the shortest', async () => {
  let now = 1_000_000;
  const trips = [80, 10, 200];
  const ahead = 5_000;
  const time = new ServerTime(() => {
    const trip = trips.shift() ?? 300;
    now += trip;
    return Promise.resolve({ now: now - trip / 2 + ahead });
  }, () => now, 0);
  time.start();
  await new Promise(resolve => setTimeout(resolve, 0));
  assert.equal(time.now() - now, ahead);
  assert.equal(time.trip, 80);
  time.stop();
});

test('a stack lies on what is below it, waits for all of its queries, and reuses its points', () => {
  const panel = parsePanel({ id: 's', kind: 'stack', queries: [{ expr: 'a' }, { expr: 'b' }] });
  assert.ok(panel);
  const table = (t: number[], v: (number | null)[]) => {
    const block = parseBlock({ step: 1000, series: [{}], t: t.map(k => k * 1000), v: [v] });
    assert.ok(block);
    return withBackfill(emptyTable(1000, 20), block);
  };
  const tables = [table([1, 2, 3, 4], [1, 2, null, 4]), table([1, 2, 3], [10, null, 30])];
  const tracks = tracksOf(panel, tables, new Palette());
  const traces = tracesFor(tracks, []);
  const extent = fillTraces(traces, tracks, tables, panel, 1000, 4000);
  assert.deepEqual(traces[1]?.points.map(point => point.y), [11, 2, 30, Number.NaN]);
  assert.equal(extent.high, 30);
  const before = traces[1]?.points[0];
  fillTraces(traces, tracks, tables, panel, 1000, 4000);
  assert.equal(traces[1]?.points[0], before);
});

test('a slowed reader’s line goes on over the steps that were left out, and a longer silence is a gap', () => {
  const block = parseBlock({ step: 1000, series: [{}], t: [1000, 2000], v: [[1, 2]] });
  const at = (k: number, value: number) => parseFrame({ t: [k * 1000], v: [[value]] });
  const [next, far] = [at(7, 7), at(17, 17)];
  const panel = parsePanel({ id: 'l', kind: 'line', queries: [{ expr: 'a' }] });
  assert.ok(block && next && far && panel);
  const table = withFrame(withBackfill(emptyTable(1000, 40), block), next, 5);
  const tracks = tracksOf(panel, [table], new Palette());
  const traces = tracesFor(tracks, []);
  fillTraces(traces, tracks, [table], panel, 1000, 7000);
  assert.deepEqual(traces[0]?.points.map(point => [point.x / 1000, point.y]), [[1, 1], [2, 2], [2, 2], [2, 2], [2, 2], [2, 2], [7, 7]]);
  assert.deepEqual(gaps([table], 0, 20_000), []);
  withFrame(table, far, 5);
  assert.deepEqual(gaps([table], 0, 20_000), [{ from: 7000, to: 17_000 }]);
});

test('a slowed server sends every n-th step of each query, whatever the step', () => {
  const slowed = slowedOf({ slowed: { every: 5, step: 5000 } });
  assert.deepEqual(slowed, { every: 5, step: 5000 });
  assert.equal(slowedOf({ slowed: null }), null);
  assert.equal(slowedOf({ other: 1 }), undefined);
  assert.ok(slowed);
  const stride = strideOf({ kind: 'live', since: 0, slowed });
  assert.equal(stride, 5);
  assert.equal(strideOf({ kind: 'live', since: 0, slowed: null }), 1);
  assert.equal(strideOf({ kind: 'lost', since: 0, next: null }), 1);

  const step = 5000;
  const block = parseBlock({ step, series: [{}], t: [4 * step, 5 * step], v: [[1, 2]] });
  const [next, far] = [10, 25].map(k => parseFrame({ t: [k * step], v: [[k]] }));
  assert.ok(block && next && far);
  const table = withFrame(withBackfill(emptyTable(step, 40), block), next, stride);
  assert.deepEqual([5, 6, 7, 8, 9, 10].map(k => isLeftOut(table, k)), [false, true, true, true, true, false]);
  assert.deepEqual(gaps([table], 0, 30 * step), []);
  withFrame(table, far, stride);
  assert.deepEqual(gaps([table], 0, 30 * step), [{ from: 10 * step, to: 25 * step }]);
});
