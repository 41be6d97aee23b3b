// What drawing costs: 24 visible panels of 4 series and 600 points, one step a second.
// WATCHROOM_SOAK=1 measures for ten minutes in place of half of one, and that the heap stays flat.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFeed } from './feed.mjs';
import { anyServer, browserFor, pageFor, roomUrl, until } from './support.mjs';

const POINTS = 600;
const SETTLE_MS = 5_000;
const SOAK = process.env.WATCHROOM_SOAK === '1';
const MEASURE_MS = SOAK ? 600_000 : 30_000;

/** Most script, as a share of the main thread; longest script in a frame, ms; most heap gained in a soak. */
const SCRIPT_SHARE_MAX = 0.1;
const FRAME_P999_MAX_MS = 16;
const HEAP_GAIN_MAX = 2_000_000;

test('24 panels, 4 series, 600 points', { timeout: MEASURE_MS + 120_000 }, async t => {
  const base = await anyServer(t);
  const feed = await startFeed(base, await roomUrl(base, 'host'), POINTS);
  t.after(feed.stop);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.addInitScript(recordFrames);
  await page.goto(feed.url);
  await until('all panels have their points', () => page.evaluate(points => {
    const panels = window.watchroom?.panels() ?? [];
    return panels.length === 24 && panels.every(panel => panel.queries[0].series.length === 4 && panel.queries[0].series[0].t.length >= points);
  }, POINTS));
  const loaded = Date.now();
  await until('the page has settled', () => Date.now() - loaded >= SETTLE_MS, SETTLE_MS + 5_000);

  const debug = await page.context().newCDPSession(page);
  await debug.send('Performance.enable');
  const measure = async () => {
    await debug.send('HeapProfiler.collectGarbage');
    return Object.fromEntries((await debug.send('Performance.getMetrics')).metrics.map(one => [one.name, one.value]));
  };
  await measure();
  const before = await measure();
  await page.evaluate(() => { window.frameScript.length = 0; window.watchroom.resetFrames(); });
  const start = Date.now();
  await until('measured', () => Date.now() - start >= MEASURE_MS, MEASURE_MS + 10_000);
  const [frames, drawing] = await page.evaluate(() => [window.frameScript.slice().sort((a, b) => a - b), window.watchroom.frames()]);
  const after = await measure();

  const seconds = after.Timestamp - before.Timestamp;
  const share = (after.ScriptDuration - before.ScriptDuration) / seconds;
  const at = p => frames[Math.min(frames.length - 1, Math.floor(frames.length * p))] ?? 0;
  const gained = after.JSHeapUsedSize - before.JSHeapUsedSize;
  t.diagnostic(`script ${(share * 100).toFixed(2)} % of the main thread over ${seconds.toFixed(0)} s`);
  t.diagnostic(`script per frame: p50 ${at(0.5).toFixed(2)}, p99 ${at(0.99).toFixed(2)}, p99.9 ${at(0.999).toFixed(2)}, most ${at(1).toFixed(2)} ms (${frames.length} frames)`);
  t.diagnostic(`draws: ${(drawing.draws / seconds).toFixed(1)} a second, ${(drawing.totalMs / drawing.draws).toFixed(2)} ms each`);
  t.diagnostic(`heap: ${(before.JSHeapUsedSize / 1e6).toFixed(1)} MB, then ${(after.JSHeapUsedSize / 1e6).toFixed(1)} MB`);
  assert.ok(drawing.draws / seconds >= 23, 'every panel is drawn each second');
  assert.ok(share <= SCRIPT_SHARE_MAX, `script share ${share}`);
  assert.ok(at(0.999) <= FRAME_P999_MAX_MS, `p99.9 ${at(0.999)} ms`);
  if (SOAK) assert.ok(gained <= HEAP_GAIN_MAX, `the heap gained ${gained} bytes`);
});

/** Runs in the page: sums the script of animation frames and of socket messages between two frames. */
function recordFrames() {
  window.frameScript = [];
  let spent = 0;
  const timed = callback => function run(...given) {
    const start = performance.now();
    try {
      return callback.apply(this, given);
    } finally {
      spent += performance.now() - start;
    }
  };
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = callback => request(timed(callback));
  const descriptor = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
  Object.defineProperty(WebSocket.prototype, 'onmessage', { ...descriptor, set(callback) { descriptor.set.call(this, timed(callback)); } });
  const turn = () => {
    window.frameScript.push(spent);
    spent = 0;
    request(turn);
  };
  request(turn);
}
