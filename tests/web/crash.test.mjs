// The server is killed in the middle of talk and of alerts: what was said and done is there once, in order, and pages
// recover without being loaded anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootOf, browserFor, enter, ownServer, pushing, roomUrl, until } from './support.mjs';
import { socketFor } from './socket.mjs';

/** The second one is still pending when the server dies. */
const WAIT_MS = 15_000;
const RULES = `
[[rule]]
name = "Room warm"
metric = "room_temperature_celsius"
above = 30
for = "1s"
unit = "°C"

[[rule]]
name = "Queue long"
metric = "queue_length"
above = 10
for = "${WAIT_MS / 1000}s"
`;
const DOWN_MS = 2_000;
const MESSAGES = 24;
/** How many were written when the server dies; the others follow without waiting for it. */
const BEFORE = 12;

const live = page => page.evaluate(() => window.watchroom.link().state === 'live');
const card = (page, name) => page.locator('[data-alert-card]', { hasText: name });

/** Reads a room's whole time line, and what the server knows of alerts. */
async function told(t, url) {
  const { ask } = await socketFor(t, url);
  const channel = '@room:pushed';
  await ask({ subscribe: { channel } });
  const { publications } = await ask({ history: { channel, limit: 200, reverse: true } });
  const { data } = await ask({ subscribe: { channel: '@alerts' } });
  return { events: publications.reverse(), alerts: data.alerts };
}

test('nothing acknowledged is lost, nothing is there twice', { timeout: 180_000 }, async t => {
  const server = await ownServer(t, { rules: RULES });
  const pushed = pushing(t, server.url, { room_temperature_celsius: 20, queue_length: 1 });
  const url = await roomUrl(server.url, 'pushed');
  await until('both panels', async () => (await bootOf(url)).panels.length === 2);
  const browser = await browserFor(t);
  const [olena, marek] = [await enter(t, browser, url, 'Olena'), await enter(t, browser, url, 'Marek')];
  for (const page of [olena, marek]) await page.evaluate(() => { window.stayed = true; });

  pushed.room_temperature_celsius = 35;
  await until('it fires', async () => (await card(marek, 'Room warm').count()) === 1);
  await card(olena, 'Room warm').locator('[data-act="ack"]').click();
  await until('it is acked', async () => /acked by Olena/.test((await card(marek, 'Room warm').textContent()) ?? ''));
  await olena.keyboard.press('Escape');
  pushed.queue_length = 20;
  const waiting = await until('the other waits', async () => (await told(t, server.url)).alerts.find(alert => alert.name === 'Queue long' && alert.state === 'pending'));

  const words = Array.from({ length: MESSAGES }, (_, i) => `message ${String(i).padStart(2, '0')}.`);
  await olena.keyboard.press('m');
  let killed = null;
  for (const [i, text] of words.entries()) {
    if (i === BEFORE) killed = server.kill();
    await olena.locator('#say').fill(text);
    await olena.keyboard.press('Enter');
    await until('taken', async () => (await olena.locator('#say').inputValue()) === '');
  }
  await killed;
  const died = Date.now();
  await until('the pages know', async () => !(await live(olena)) && !(await live(marek)));
  const seen = await marek.locator('.log-list .rich').allTextContents();
  await until('the server has been away for a while', () => Date.now() - died >= DOWN_MS);
  await server.start();
  for (const page of [olena, marek]) await until('the page is live', () => live(page), 30_000);

  const spoken = async page => (await page.locator('.log-list .rich').allTextContents()).filter(text => text.startsWith('message'));
  await until('all is sent', async () => (await spoken(olena)).length >= MESSAGES && (await olena.locator('.is-out').count()) === 0, 30_000);
  for (const page of [olena, marek]) {
    await until('all is there', async () => (await spoken(page)).length >= MESSAGES);
    assert.deepEqual(await spoken(page), words, 'once, and in order');
    assert.equal(await card(page, 'Room warm').count(), 1);
    assert.match((await card(page, 'Room warm').textContent()) ?? '', /acked by Olena/);
    assert.equal(await page.evaluate(() => window.stayed), true, 'the page was not loaded anew');
  }
  assert.deepEqual(seen.filter(text => !words.includes(text)), []);
  t.diagnostic(`${seen.length} of ${MESSAGES} had come through when the server died`);

  const fired = await until('the other fires', async () => (await told(t, server.url)).alerts.find(alert => alert.name === 'Queue long' && alert.state === 'firing'), WAIT_MS + 15_000);
  // Its time ran on, but for what nobody saw.
  const unseen = fired.since - waiting.since;
  assert.ok(unseen >= 0 && unseen <= WAIT_MS + 15_000, `it waited on, ${unseen} ms were not seen`);
  assert.ok(fired.fired - fired.since >= WAIT_MS && fired.fired - fired.since < WAIT_MS + 5_000, `fired ${fired.fired - fired.since} ms after it began`);
  await until('its card', async () => (await card(marek, 'Queue long').count()) === 1);

  const { events } = await told(t, server.url);
  const ids = events.map(({ data }) => data.id);
  assert.equal(new Set(ids).size, ids.length, 'each event once');
  assert.deepEqual(events.map(({ offset }) => offset), events.map((_, i) => events[0].offset + i), 'no offset is missing');
  const states = name => events.filter(({ data }) => data.type === 'alert' && data.alert.name === name).map(({ data }) => data.alert.state);
  assert.deepEqual([states('Room warm'), states('Queue long')], [['pending', 'firing'], ['pending', 'firing']]);
  assert.equal(events.filter(({ data }) => data.type === 'ack').length, 1);
});
