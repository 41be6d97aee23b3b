// How long a pushed sample takes from "accepted" to the data of a chart in a browser, with 200 viewers of the same.
//
// Each metric is pushed once in each second, at an instant of its own. A step of pushed metrics reads no scheduled
// source, so it is complete when its second is over (docs/architecture.md); what a sample takes beyond that is latency.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, distribution, exactNow, histogram, percentile, sleep } from './figures.mjs';
import { bootOf, browserFor, ownServer, pageFor, roomUrl, until } from './support.mjs';
import { startViewers, subscriptionsOf } from './viewers.mjs';

const VIEWERS = 200;
const METRICS = 8;
const SECONDS = Number(process.env.WATCHROOM_BENCH_SECONDS ?? 60);
const STEP = 1_000;
/** The bar: what a sample takes beyond its step's completeness, in 99 of 100 cases, ms. */
const OVER_P99_MAX_MS = 50;

/** Pushes a sample; gives when the server had accepted it. */
async function push(base, metric, value, timestamp) {
  const reply = await fetch(`${base}/api/v1/push`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ metric, value, timestamp }),
  });
  const accepted = exactNow();
  assert.equal(reply.status, 200, await reply.text());
  return accepted;
}

/** Runs in the page: after each message, notes when a value is first in a chart's data. */
function watchCharts() {
  window.firstSeen = {};
  let awaited = false;
  const look = () => {
    awaited = false;
    const now = performance.timeOrigin + performance.now();
    for (const panel of window.watchroom?.panels() ?? []) for (const query of panel.queries) for (const series of query.series) {
      for (const value of series.v.slice(-8)) if (value >= 1_000_000) window.firstSeen[value] ??= now;
    }
  };
  const channel = new MessageChannel();
  channel.port1.onmessage = look;
  const descriptor = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
  Object.defineProperty(WebSocket.prototype, 'onmessage', { ...descriptor, set(callback) {
    descriptor.set.call(this, event => {
      callback.call(this, event);
      // After the page's own promises have run; once for messages that come together, because looking costs time, too.
      if (!awaited) channel.port2.postMessage(0);
      awaited = true;
    });
  } });
}

async function seenOf(page, pushed) {
  const all = () => page.evaluate(() => window.firstSeen);
  const seen = await until('every value was seen', async () => {
    const values = await all();
    return pushed.every(({ value }) => values[value] !== undefined) ? values : null;
  }, 10_000).catch(all);
  const lost = pushed.filter(({ value }) => seen[value] === undefined);
  assert.equal(lost.length, 0, `never seen: ${JSON.stringify(lost.slice(0, 3))} and more, ${lost.length} of ${pushed.length}`);
  return pushed.map(one => ({ ...one, seen: seen[one.value] }));
}

test('sample to chart, 200 viewers', { timeout: (SECONDS * 2 + 120) * 1_000 }, async t => {
  const { url } = await ownServer(t);
  const names = Array.from({ length: METRICS }, (_, i) => `latency_${i}`);
  for (const name of names) await push(url, name, 0);
  const room = await roomUrl(url, 'pushed');
  const subscriptions = await until('a panel for each metric', async () => {
    const found = subscriptionsOf(await bootOf(room));
    return found.length >= METRICS ? found : null;
  });
  // The browser is a viewer, too. The others also have all of "This machine", as an operator's second window would.
  const machine = subscriptionsOf(await bootOf(await roomUrl(url, 'host')));
  const viewers = await startViewers(t, url, VIEWERS - 1, [...subscriptions, ...machine]);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.addInitScript(watchCharts);
  await page.goto(room);
  await until('the page is live', () => page.evaluate(() => window.watchroom.link().state === 'live'));
  await sleep(3_000);

  let next = 1_000_000;
  /** Pushes every metric once a second, at instants of a low-discrepancy sequence; `stampOf` dates the samples. */
  const run = async (seconds, stampOf) => {
    const pushed = [];
    const first = Math.ceil(Date.now() / STEP) + 1;
    await Promise.all(names.map(async (name, m) => {
      for (let s = 0; s < seconds; s++) {
        const phase = ((s * METRICS + m) * 0.6180339887) % 1;
        await sleep((first + s) * STEP + 30 + phase * 900 - Date.now());
        const value = next++;
        const accepted = await push(url, name, value, stampOf?.(first + s));
        pushed.push({ value, accepted, due: (first + s + 1) * STEP });
      }
    }));
    return seenOf(page, pushed);
  };

  const steady = await run(SECONDS);
  t.diagnostic(`${VIEWERS} viewers, ${METRICS} metrics, ${subscriptions.length + machine.length} queries each, ${SECONDS} s`);
  const over = steady.map(({ seen, accepted, due }) => seen - Math.max(accepted, due));
  t.diagnostic(`above the completeness rule: ${distribution(over)}; ${bar(`p99 <= ${OVER_P99_MAX_MS} ms`, percentile(over, 0.99), OVER_P99_MAX_MS)}`);
  t.diagnostic(histogram(over));
  // A sample for a step that was sent already is a correction.
  const late = await run(Math.ceil(SECONDS / 3), second => (second - 3) * STEP);
  t.diagnostic(`corrections, above "accepted": ${distribution(late.map(({ seen, accepted }) => seen - accepted))}`);
  assert.equal(viewers.present(), VIEWERS - 1, 'every viewer stayed');
});
