// What drawing costs: 24 visible panels of 4 series and 600 points, one step a second.
// WATCHROOM_SOAK=1 measures for ten minutes in place of half of one, and that the heap stays flat.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFeed } from './feed.mjs';
import { anyServer, browserFor, pageFor, roomUrl, until } from './support.mjs';

const POINTS = 600;
const SETTLE_MS = 5_000;
const SOAK = process.env.WATCHROOM_SOAK === '1';
const MINUTE_MS = 60_000;
const MEASURE_MS = SOAK ? 10 * MINUTE_MS : 30_000;

/** Most script, as a share of the main thread; longest script in a frame, ms; most heap gained in a soak, bytes. */
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
  const trace = SOAK ? null : await startTrace(browser);
  const start = Date.now();
  const heaps = [];
  for (let end = MINUTE_MS; SOAK && end <= MEASURE_MS; end += MINUTE_MS) {
    await until('a minute is over', () => Date.now() - start >= end, MINUTE_MS + 10_000);
    heaps.push((await measure()).JSHeapUsedSize);
  }
  await until('measured', () => Date.now() - start >= MEASURE_MS, MEASURE_MS + 10_000);
  const [frames, drawing] = await page.evaluate(() => [window.frameScript.slice().sort((a, b) => a - b), window.watchroom.frames()]);
  const after = await measure();
  const spent = trace ? await trace.stop() : [];

  const seconds = after.Timestamp - before.Timestamp;
  const share = (after.ScriptDuration - before.ScriptDuration) / seconds;
  const at = p => frames[Math.min(frames.length - 1, Math.floor(frames.length * p))] ?? 0;
  const cpuAt = p => spent[Math.min(spent.length - 1, Math.floor(spent.length * p))] ?? 0;
  // From the second minute on: in the first one code is compiled, its feedback is kept, and lists grow to their size.
  // That comes once; a leak goes on.
  const gained = (heaps.at(-1) ?? 0) - (heaps[0] ?? 0);
  t.diagnostic(`script ${(share * 100).toFixed(2)} % of the main thread over ${seconds.toFixed(0)} s`);
  t.diagnostic(`script per frame: p50 ${at(0.5).toFixed(2)}, p99 ${at(0.99).toFixed(2)}, p99.9 ${at(0.999).toFixed(2)}, most ${at(1).toFixed(2)} ms (${frames.length} frames)`);
  if (trace) t.diagnostic(`the same in time of the processor: p99 ${cpuAt(0.99).toFixed(2)}, p99.9 ${cpuAt(0.999).toFixed(2)}, most ${cpuAt(1).toFixed(2)} ms`);
  t.diagnostic(`draws: ${(drawing.draws / seconds).toFixed(1)} a second, ${(drawing.totalMs / drawing.draws).toFixed(2)} ms each`);
  t.diagnostic(`heap: ${(before.JSHeapUsedSize / 1e6).toFixed(1)} MB, then ${(after.JSHeapUsedSize / 1e6).toFixed(1)} MB`);
  if (SOAK) t.diagnostic(`heap at the end of each minute: ${heaps.map(bytes => (bytes / 1e6).toFixed(2)).join(', ')} MB; gained from the second minute on: ${(gained / 1e6).toFixed(2)} MB`);
  assert.ok(drawing.draws / seconds >= 23, 'every panel is drawn each second');
  assert.ok(share <= SCRIPT_SHARE_MAX, `script share ${share}`);
  if (trace) assert.ok(cpuAt(0.999) <= FRAME_P999_MAX_MS, `p99.9 ${cpuAt(0.999)} ms`);
  if (SOAK) assert.ok(gained <= HEAP_GAIN_MAX, `the heap gained ${gained} bytes from the second minute on`);
});

/** Frames of a screen, ms. */
const FRAME_MS = 1000 / 60;

/**
 * Traces the script of the page, in time of the processor: on a busy machine the clock also counts what others did
 * meanwhile. Gives the script of each sixtieth of a second that had any, and zeros for the others, ascending.
 */
async function startTrace(browser) {
  const session = await browser.newBrowserCDPSession();
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value) if (event.name === 'FunctionCall' && event.ph === 'X') events.push(event);
  });
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['devtools.timeline'] } });
  const stop = async () => {
    const done = new Promise(resolve => session.once('Tracing.tracingComplete', resolve));
    await session.send('Tracing.end');
    await done;
    const frames = new Map();
    const outer = new Map();
    for (const event of events.sort((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      const thread = `${event.pid}/${event.tid}`;
      if (event.ts < (outer.get(thread) ?? 0)) continue;
      outer.set(thread, event.ts + event.dur);
      const frame = `${thread}/${Math.floor(event.ts / 1000 / FRAME_MS)}`;
      frames.set(frame, (frames.get(frame) ?? 0) + (event.tdur ?? event.dur) / 1000);
    }
    const all = [...frames.values(), ...new Float64Array(Math.max(0, Math.round(MEASURE_MS / FRAME_MS) - frames.size))];
    return all.sort((a, b) => a - b);
  };
  return { stop };
}

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
