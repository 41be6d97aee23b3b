// The server is killed and started again: one gap, and every other step exactly once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserFor, ownServer, pageFor, roomUrl, until, untilDrawn } from './support.mjs';

const STEP = 1_000;
const DOWN_MS = 6_000;

/** All steps with a value of one query, ms. */
async function stepsOf(page, panelId) {
  return page.evaluate(id => {
    const query = window.watchroom.panels().find(panel => panel.id === id)?.queries[0];
    const one = query?.series[0];
    return one ? one.t.filter((_, i) => Number.isFinite(one.v[i])) : [];
  }, panelId);
}

test('one gap, and every other step once', async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(server.url, 'host'));
  await untilDrawn(page);
  const start = (await until('eight steps', async () => {
    const steps = await stepsOf(page, 'load');
    return steps.length >= 8 ? steps : null;
  }))[0];

  await server.kill();
  const killed = Date.now();
  await until('the page says that it is not connected', async () => (await page.locator('.live-pill').getAttribute('data-link')) === 'lost');
  await page.locator('.notice').waitFor();
  await until('the server has been away for a while', () => Date.now() - killed >= DOWN_MS, DOWN_MS + 5_000);
  await server.start();
  const back = Date.now();
  await until('the page is live again', () => page.evaluate(() => window.watchroom.link().state === 'live'), 20_000);
  const steps = await until('eight steps after it', async () => {
    const all = await stepsOf(page, 'load');
    return all.filter(time => time > back).length >= 8 ? all.filter(time => time >= start) : null;
  }, 30_000);

  assert.equal(new Set(steps).size, steps.length, 'no step twice');
  const gaps = steps.flatMap((time, i) => (i > 0 && time - steps[i - 1] > STEP ? [[steps[i - 1], time]] : []));
  assert.equal(gaps.length, 1, `gaps: ${JSON.stringify(gaps)}`);
  const [[from, to]] = gaps;
  t.diagnostic(`gap of ${to - from} ms, the server was away for ${back - killed} ms`);
  assert.ok(from <= killed && from >= killed - 3_000, `the gap begins when the server died: ${killed - from} ms before`);
  assert.ok(to >= back - 1_500 && to <= back + 8_000, `the gap ends when it was back: ${to - back} ms after`);
  assert.equal(await page.locator('.notice').count(), 0, 'the notice is gone');
  assert.match((await page.locator('.log').textContent()) ?? '', /Not connected \d\d:\d\d:\d\d–\d\d:\d\d:\d\d/);
});
