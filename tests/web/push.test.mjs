// A pushed metric appears in the room of pushed metrics by itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyServer, browserFor, pageFor, roomUrl, until } from './support.mjs';

/** From the push to the panel, ms. */
const APPEARS_WITHIN_MS = 1_000;

async function push(base, metric, value) {
  const reply = await fetch(`${base}/api/v1/push`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ metric, labels: { desk: 'taras' }, value }),
  });
  assert.ok(reply.ok, `push: ${reply.status} ${await reply.text()}`);
}

test('a new metric gets a panel within a second, and its values follow', async t => {
  const base = await anyServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(base, 'pushed'));
  await until('the page is live', () => page.evaluate(() => window.watchroom.link().state === 'live'));

  const metric = `room_temperature_celsius_${process.pid}`;
  const panel = page.locator('.panel', { hasText: metric });
  const sent = Date.now();
  await push(base, metric, 21.5);
  await panel.waitFor({ timeout: 10_000 });
  const took = Date.now() - sent;
  t.diagnostic(`the panel appeared after ${took} ms`);
  assert.ok(took <= APPEARS_WITHIN_MS, `appeared after ${took} ms`);
  await until('the legend reads 21.5', async () => /21\.5/.test((await panel.locator('.legend').textContent()) ?? ''));

  const before = await panel.boundingBox();
  const second = `queue_depth_${process.pid}`;
  await push(base, second, 1);
  await page.locator('.panel', { hasText: second }).waitFor({ timeout: 10_000 });
  const after = await panel.boundingBox();
  assert.deepEqual([after?.x, after?.y, after?.width], [before?.x, before?.y, before?.width], 'the first panel stayed');
  await push(base, metric, 35);
  await until('the legend reads 35', async () => /35/.test((await panel.locator('.legend').textContent()) ?? ''));
});
