// Two nodes on one Redis: what is pushed to one is drawn by the page of the other, and people see each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootOf, browserFor, ownRedis, ownServer, pageFor, roomUrl, until, untilDrawn } from './support.mjs';

const nodeOn = (t, redis, instance) => ownServer(t, { config: `instance = '${instance}'\n`, options: ['--redis', redis] });

async function push(base, sample) {
  const reply = await fetch(`${base}/api/v1/push`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sample),
  });
  assert.equal(reply.status, 200, await reply.text());
}

/** Gives the newest value of each step that a panel's first series holds, by time. */
const stepsOf = (page, title) => page.evaluate(name => {
  const [one] = window.watchroom.panels().find(panel => panel.title.includes(name))?.queries[0]?.series ?? [];
  return one ? one.t.map((time, i) => [time, one.v[i]]).filter(([, value]) => Number.isFinite(value)) : [];
}, title);

test('two nodes draw each other, and their people meet', { timeout: 120_000 }, async t => {
  const redis = await ownRedis(t);
  if (redis === null) return t.skip('redis-server is not on this machine');
  const a = await nodeOn(t, redis, 'node-a');
  const b = await nodeOn(t, redis, 'node-b');
  const browser = await browserFor(t);

  await push(a.url, { metric: 'orders_waiting', value: 1 });
  const onB = await pageFor(t, browser);
  await onB.goto(await roomUrl(b.url, 'pushed'));
  await onB.locator('.panel', { hasText: 'orders_waiting' }).waitFor({ timeout: 10_000 });
  const onA = await pageFor(t, browser);
  await onA.goto(await roomUrl(a.url, 'pushed'));
  for (const page of [onA, onB]) await until('live', () => page.evaluate(() => window.watchroom.link().state === 'live'));

  // Pushed by turns to both; each page has both, at the same times.
  await push(a.url, { metric: 'orders_waiting', value: 20 });
  await until('both pages have what a took', async () => (await Promise.all([onA, onB].map(page => stepsOf(page, 'orders_waiting')))).every(steps => steps.some(([, value]) => value === 20)));
  await push(b.url, { metric: 'orders_waiting', value: 30 });
  await until('both pages have what b took', async () => (await Promise.all([onA, onB].map(page => stepsOf(page, 'orders_waiting')))).every(steps => steps.some(([, value]) => value === 30)));
  const [inA, inB] = (await Promise.all([stepsOf(onA, 'orders_waiting'), stepsOf(onB, 'orders_waiting')])).map(steps => new Map(steps));
  const shared = [...inA.keys()].filter(time => inB.has(time));
  assert.ok(shared.length >= 2, `${shared.length} steps in common`);
  for (const time of shared) assert.equal(inA.get(time), inB.get(time), `the step at ${time}`);

  // Who is here counts over both nodes.
  for (const page of [onA, onB]) await until('two people', async () => (await page.locator('ul.people li').count()) === 2);

  // "This machine" is the node's own, though both machines' samples are in both stores.
  await onB.goto(await roomUrl(b.url, 'host'));
  await untilDrawn(onB);
  const load = (await bootOf(await roomUrl(b.url, 'host'))).panels.find(panel => panel.id === 'load').queries[0].expr;
  assert.match(load, /instance="node-b"/);
  const both = await until('b has the load of both machines', async () => {
    const reply = await (await fetch(`${b.url}/api/v1/query?query=node_load1`)).json();
    return reply.data.result.length === 2 ? reply.data.result : null;
  });
  assert.deepEqual(both.map(one => one.metric.instance).sort(), ['node-a', 'node-b']);
  const drawn = await onB.evaluate(() => window.watchroom.panels().find(panel => panel.id === 'load').queries[0].series.length);
  assert.equal(drawn, 1, 'one machine is drawn');
});
