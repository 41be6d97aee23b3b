// The page of the server, against real clients: it shows who is there and who reads slowly, ends one, and publishes.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clientFor, event, hub, noted, result, those, token, WAYS } from './clients.mjs';
import { masked, socketFor, upgraded } from './socket.mjs';
import { browserFor, ownRedis, ownServer, pageFor, until } from './support.mjs';

const FOLDER = process.env.WATCHROOM_SHOTS ?? join(tmpdir(), 'watchroom-shots');
const AXE = createRequire(new URL('../../static/package.json', import.meta.url)).resolve('axe-core/axe.min.js');
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

async function opened(t, browser, server, { hash = '', ...options } = {}) {
  const page = await pageFor(t, browser, options);
  await page.goto(`${server.url}/server${hash}`);
  await until('the server has answered', async () => (await page.locator('main.server').getAttribute('aria-busy')) === null);
  return page;
}

const rowOf = (page, words) => page.locator('.list:visible tbody tr', { hasText: words });

/** Connects a client and subscribes it to a channel; gives the client and what it was told. */
async function subscribed(t, server, channel, claims, way = WAYS[0]) {
  const client = clientFor(t, server, way, { token: token(claims) });
  const [told, published] = [noted(client), noted(client.newSubscription(channel))];
  client.getSubscription(channel).subscribe();
  client.connect();
  await event(published, 'subscribed');
  return { client, told, published };
}

test('clients of every transport are shown, found and opened', { timeout: 120_000 }, async t => {
  const server = await hub(t);
  const browser = await browserFor(t);
  for (const [i, way] of WAYS.entries()) await subscribed(t, server, 'open:news', { sub: `user${i}` }, way);
  await subscribed(t, server, 'open:<b>x</b>', { sub: '<img src=x onerror=alert(1)>' });
  const page = await opened(t, browser, server);
  await until('all have a row, and the page itself', async () => (await page.locator('.connections tbody tr').count()) === WAYS.length + 2);
  assert.match(await rowOf(page, 'user1').locator('.via').textContent(), /^WebSocket, Protobuf/);
  assert.match(await rowOf(page, 'user2').locator('.via').textContent(), /^SSE, JSON/);
  assert.match(await rowOf(page, 'user4').locator('.via').textContent(), /^HTTP stream, Protobuf/);
  assert.match(await rowOf(page, 'this page').textContent(), /anonymous/);
  assert.equal(await page.locator('main.server img, main.server td b:has-text("x")').count(), 0, 'names are text');
  await until('the foot counts', async () => (await page.locator('#t-connections [data-foot]').textContent()).startsWith(`${WAYS.length + 2} connections.`));
  await until('rates are there', async () => /\d/.test(await rowOf(page, 'this page').locator('.rate').textContent()));
  await until('the figure counts', async () => (await page.locator('[data-figure="connections"] dd').textContent()).trim() === `${WAYS.length + 2}`);

  await page.locator('#t-connections input').fill('user3');
  await until('one is found', async () => (await page.locator('.connections tbody tr').count()) === 1);
  await page.locator('#t-connections input').fill('nobody of this name');
  await until('nobody is found', () => page.locator('#t-connections [data-none]').isVisible());
  await page.locator('#t-connections [data-none] button').click();
  await until('all are back', async () => (await page.locator('.connections tbody tr').count()) === WAYS.length + 2);
  await page.locator('#t-connections th[data-sort="user"] button').click();
  assert.equal(await page.locator('#t-connections th[data-sort="user"]').getAttribute('aria-sort'), 'ascending');
  assert.equal(await page.locator('#t-connections th[aria-sort]').count(), 1);

  await rowOf(page, 'user0').locator('a').click();
  await until('it is opened', async () => /user0/.test(await page.locator('#connection').textContent()));
  const facts = await page.locator('#connection .card-facts').innerText();
  for (const words of ['WebSocket, JSON', 'of 256\u00a0KiB', 'open:news']) assert.ok(facts.includes(words), `${words} in ${facts}`);
  await page.locator('#connection a', { hasText: 'open:news' }).click();
  await until('its channel is opened', async () => /^5 subscribers/.test(await page.locator('#channel [data-says]').textContent()));
  assert.equal(await page.locator('#tab-channels').getAttribute('aria-selected'), 'true');
});

test('one is disconnected when that is confirmed, and it is said what will happen', { timeout: 120_000 }, async t => {
  const server = await hub(t);
  const browser = await browserFor(t);
  const one = await subscribed(t, server, 'open:news', { sub: 'ann' });
  const other = await subscribed(t, server, 'open:news', { sub: 'ben' });
  const page = await opened(t, browser, server);
  await until('it has a row', async () => (await rowOf(page, 'ann').count()) === 1);
  await rowOf(page, 'ann').locator('a').click();
  await page.locator('[data-disconnect]').click();
  assert.match(await page.locator('[data-will]').textContent(), /3503.*does not come back/);
  await page.keyboard.press('Enter');
  await until('Enter alone leaves it', async () => (await page.locator('[data-pop="disconnect"]').count()) === 0);
  assert.equal(await page.evaluate(() => document.activeElement?.hasAttribute('data-disconnect')), true, 'the focus is back');
  assert.deepEqual(those(one.told, 'disconnected'), []);
  await page.locator('[data-disconnect]').click();
  await page.locator('[data-pop="disconnect"] [type="submit"]').click();
  assert.equal((await event(one.told, 'disconnected')).code, 3503);
  await until('it is said', async () => /^Disconnected at/.test(await page.locator('[data-result]').textContent()));
  await until('it is gone', async () => /^It is gone/.test(await page.locator('#connection [data-says]').textContent()));
  assert.ok(await page.locator('[data-disconnect]').isHidden());
  assert.deepEqual(those(other.told, 'disconnected'), []);

  const wall = await opened(t, browser, server);
  const own = await rowOf(wall, 'this page').getAttribute('data-key');
  await page.locator(`tr[data-key="${own}"] a`).click();
  await until('it is opened', async () => (await page.locator('#connection').textContent()).includes(own));
  await page.locator('[data-disconnect]').click();
  assert.match(await page.locator('[data-will]').textContent(), /by itself within seconds/);
  await page.locator('[data-pop="disconnect"] [type="submit"]').click();
  await until('the page comes back as another client', async () => {
    const key = await rowOf(wall, 'this page').getAttribute('data-key');
    return key !== null && key !== own;
  });
});

test('a test message reaches a client, and is said where it went', { timeout: 120_000 }, async t => {
  const server = await hub(t);
  const browser = await browserFor(t);
  const { published } = await subscribed(t, server, 'asked:news', { sub: 'ann' });
  await result(server, 'publish', { channel: 'asked:news', data: { headline: '<b>first</b>' } });
  const page = await opened(t, browser, server, { hash: '#channel=asked%3Anews' });
  await until('it listens', async () => /^1 subscriber/.test(await page.locator('#channel [data-says]').textContent()));
  await until('the history is shown, as text', async () => (await page.locator('[data-history] pre').first().textContent()).includes('"headline": "<b>first</b>"'));
  const [field, submit] = [page.locator('#publish-data'), page.locator('.publish [type="submit"]')];
  assert.equal(await submit.textContent(), 'Publish to 1 subscriber');

  await field.fill('{\n  "a": [1, 2,]\n}');
  await submit.click();
  await until('the place is named', async () => (await page.locator('#publish-problem').textContent()).startsWith('Line 2, column 14:'));
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  assert.equal(await field.evaluate(element => element.value.slice(element.selectionStart, element.selectionEnd)), ']');
  assert.equal(those(published, 'publication').length, 1, 'what is no JSON is not sent');

  await field.fill('{"a": [1, 2], "текст": "ж"}');
  await submit.click();
  const { data, offset } = await event(published, 'publication', 1);
  assert.deepEqual([data, offset], [{ a: [1, 2], текст: 'ж' }, 2]);
  await until('it is said', async () => /at offset 2\.$/.test(await page.locator('[data-published]').textContent()));
  await until('and in the history', async () => (await page.locator('[data-history] li').count()) === 2);
  assert.equal(await page.locator('[data-history] details[open]').count(), 1, 'what was open stays');

  await page.goto(`${server.url}/server#channel=nowhere%3Ax`);
  await until('a channel without a namespace says why not', async () => {
    const said = await page.locator('#channel').innerText();
    return !/loading/.test(said) && said.length > 20;
  });
  await page.goto(`${server.url}/server#channel=%40alerts`);
  await until('own channels take none', () => page.locator('[data-own]').isVisible());
  assert.ok(await submit.isHidden());
});

test('a reader that does not read is marked, with what waits for it', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const { ask } = await socketFor(t, server.url);
  const exprs = Array.from({ length: 150 }, (_, i) => `{job="watchroom", not_${i}=""}`);
  const subscriptions = [];
  for (const expr of exprs) {
    const { data } = await ask({ rpc: { method: 'live_channel', data: { expr, step: 1000 } } });
    subscriptions.push({ channel: data.channel, data: { expr, step: 1000 } });
  }
  const reader = await upgraded(server.url);
  t.after(() => reader.destroy());
  reader.on('error', () => undefined);
  reader.write(masked(JSON.stringify({ id: 1, connect: {} })));
  subscriptions.forEach((subscribe, i) => reader.write(masked(JSON.stringify({ id: i + 2, subscribe }))));
  await new Promise(done => reader.once('data', done));
  reader.pause();
  const page = await opened(t, browser, server);
  const slow = page.locator('.connections tbody tr.is-slow');
  await until('it is marked', async () => (await slow.count()) === 1, 60_000);
  assert.match(await slow.locator('.slow').textContent(), /^gets 1 step of \d+/);
  await until('what waits is seen', async () => /KiB|B$/.test(await slow.locator('.queue b').textContent()));
  await slow.locator('a').click();
  await until('it is said', async () => /^It reads slowly, and gets 1 step of \d/.test(await page.locator('#connection [data-says]').textContent()));
  await until('it is counted', async () => Number(await page.locator('[data-fact="slowed"] .stat-value > :first-child').textContent()) >= 1);
});

test('rows keep the focus, the scroll and what is chosen while they are answered anew', { timeout: 120_000 }, async t => {
  const server = await hub(t);
  const browser = await browserFor(t);
  for (let i = 0; i < 60; i++) await subscribed(t, server, 'open:news', { sub: `user${i}` });
  const page = await opened(t, browser, server);
  await until('a first part is shown', async () => (await page.locator('.connections tbody tr').count()) === 50);
  await page.locator('#t-connections [data-foot] button').click();
  await until('all are shown', async () => (await page.locator('.connections tbody tr').count()) === 61);
  const key = await page.locator('.connections tbody tr').nth(30).getAttribute('data-key');
  const link = page.locator(`tr[data-key="${key}"] a`);
  await link.focus();
  const scroll = () => page.locator('#t-connections .scroll').evaluate(element => element.scrollTop);
  const before = await scroll();
  assert.ok(before > 0, 'the row is below the fold');
  await page.keyboard.press('Enter');
  await until('it is opened, and has the focus', () => page.evaluate(() => document.activeElement?.id === 'connection-name'));
  const [first, age] = [await page.locator('#connection').innerText(), page.locator('#connection time')];
  const said = await age.textContent();
  await until('answers came', async () => (await age.textContent()) !== said);
  assert.notEqual(await page.locator('#connection').innerText(), first);
  assert.equal(await page.locator('.connections tr[aria-current="true"]').getAttribute('data-key'), key);
  assert.equal(await scroll(), before);
  await page.keyboard.press('Escape');
  await until('Escape closes it, and the focus is back', () => page.evaluate(want => document.activeElement?.closest('tr')?.dataset.key === want, key));
  await page.keyboard.press('j');
  await until('`j` opens the next', () => page.evaluate(() => {
    const row = document.activeElement?.closest('tr');
    return row?.getAttribute('aria-current') === 'true' && location.hash === `#connection=${row.dataset.key}`;
  }));
});

test('a page that nobody looks at asks nothing', { timeout: 60_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const watched = async () => {
    const page = await pageFor(t, browser);
    const asked = [];
    page.on('websocket', socket => socket.on('framesent', ({ payload }) => { if (String(payload).includes('"method":"connections"')) asked.push(payload); }));
    await page.goto(`${server.url}/server`);
    await until('it asks', () => asked.length >= 2);
    return { page, asked };
  };
  const [unseen, seen] = [await watched(), await watched()];
  const seeing = hidden => unseen.page.evaluate(isHidden => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await seeing(true);
  const [before, others] = [unseen.asked.length, seen.asked.length];
  await until('the other asks four times', () => seen.asked.length >= others + 4);
  assert.ok(unseen.asked.length <= before + 1, 'what was under way, and no more');
  const after = unseen.asked.length;
  await seeing(false);
  await until('it asks again', () => unseen.asked.length > after);
});

test('a server that is away is said, and the page goes on when it is back', { timeout: 60_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await opened(t, browser, server);
  await server.kill();
  await until('it is said once', async () => /Not connected since/.test(await page.locator('.notices').textContent()));
  assert.equal(await page.locator('[data-lag]').textContent(), '');
  assert.ok(await page.locator('.figures .is-stale').count() > 0);
  await server.start();
  await until('it goes on', async () => (await page.locator('.figures .is-stale').count()) === 0 && (await page.locator('.notices').textContent()) === '', 30_000);
  await until('the node began anew', async () => /up \d{1,2}\u00a0s$/.test(await page.locator('[data-about]').textContent()));
});

test('a node that is gone is said in words', { timeout: 120_000 }, async t => {
  const redis = await ownRedis(t);
  if (redis === null) return t.skip('redis-server is not on this machine');
  const [a, b] = [await ownServer(t, { config: "instance = 'node-a'\n", options: ['--redis', redis] }), await ownServer(t, { config: "instance = 'node-b'\n", options: ['--redis', redis] })];
  const browser = await browserFor(t);
  await opened(t, browser, b);
  const page = await opened(t, browser, a, { hash: '#nodes' });
  await until('both nodes answer', async () => (await page.locator('.node').count()) === 2 && (await page.locator('.node.is-old').count()) === 0, 30_000);
  await until('the connections of both are counted', async () => (await page.locator('[data-figure="connections"] dd').textContent()).trim() === '2');
  await b.kill();
  await until('it is silent or gone', async () => /silent for|gone for/.test(await page.locator('.node', { hasText: 'node-b' }).textContent()), 60_000);
  assert.match(await page.locator('[data-about]').textContent(), /Without node-b: no answer/);
  await page.locator('#tab-connections').click();
  await until('the list goes on', async () => (await rowOf(page, 'this page').count()) === 1);
});

/** Gives what axe finds serious or critical, in one line each. */
async function found(page, source) {
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { violations, passes } = await window.axe.run(document, { resultTypes: ['violations'] });
    if (passes.length < 20) return [`axe looked at little: ${passes.length} rules`];
    return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
      .flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${id}: ${target.join(' ')} ${any.map(({ message }) => message).join('; ')}`));
  });
}

for (const [size, options] of [['desktop', { viewport: { width: 1440, height: 900 } }], ['phone', PHONE]]) {
  for (const colorScheme of ['dark', 'light']) {
    test(`${size}, ${colorScheme}`, { timeout: 120_000 }, async t => {
      await mkdir(FOLDER, { recursive: true });
      const source = await readFile(AXE, 'utf8');
      const server = await hub(t);
      for (const [i, way] of WAYS.entries()) await subscribed(t, server, 'asked:news', { sub: `user${i}` }, way);
      await result(server, 'publish', { channel: 'asked:news', data: { headline: 'x'.repeat(300), nested: { list: [1, 2, 3] } } });
      const browser = await browserFor(t);
      const page = await opened(t, browser, server, { ...options, colorScheme });
      const look = async name => {
        await page.screenshot({ path: join(FOLDER, `server-${name}-${size}-${colorScheme}.png`) });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${name} is ${wide} px wider than the screen`);
        assert.deepEqual(await found(page, source), [], name);
      };
      await until('the rows', async () => (await page.locator('.connections tbody tr').count()) === WAYS.length + 1);
      await look('connections');
      await rowOf(page, 'user0').locator('a').click();
      await until('it is open', () => page.locator('[data-disconnect]').isVisible());
      await look('connection');
      await page.locator('[data-disconnect]').click();
      await until('the question', () => page.locator('[data-will]').isVisible());
      await look('disconnect');
      await page.keyboard.press('Escape');
      await page.goto(`${server.url}/server#channel=asked%3Anews`);
      await until('the history', () => page.locator('[data-history] pre').first().isVisible());
      await look('channel');
      await page.locator('#publish-data').fill('{"a": }');
      await page.locator('.publish [type="submit"]').click();
      await until('the place', () => page.locator('.json-place').isVisible());
      await look('publish');
      await page.goto(`${server.url}/server#nodes`);
      await until('the node', () => page.locator('.node').isVisible());
      await look('nodes');
      t.diagnostic(FOLDER);
    });
  }
}
