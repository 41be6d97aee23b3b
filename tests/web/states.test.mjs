// What a panel says and does when not all can be drawn, and that panels keep their place.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { browserFor, ownServer, pageFor, roomUrl, until, untilDrawn } from './support.mjs';

async function push(base, samples) {
  const reply = await fetch(`${base}/api/v1/push`, { method: 'POST', body: JSON.stringify(samples) });
  assert.equal((await reply.json()).refused_total, 0);
}

test('panels keep their place from the first render to the end of the page', async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const plain = await pageFor(t, browser, { javaScriptEnabled: false });
  const url = await roomUrl(server.url, 'host');
  const boxes = page => page.evaluate(() => [...document.querySelectorAll('.board .panel')].map(panel => [panel.offsetTop, panel.offsetHeight]));
  await until('processes are known', async () => {
    await plain.goto(url);
    return (await plain.locator('tbody tr').count()) > 7;
  });
  const first = await plain.locator('.board .panel').evaluateAll(panels => panels.map(panel => [panel.offsetTop, panel.offsetHeight]));
  const page = await pageFor(t, browser);
  await page.goto(url);
  await untilDrawn(page);
  assert.deepEqual(await boxes(page), first);
  await page.locator('.board').evaluate(board => { board.scrollTop = board.scrollHeight; });
  await until('the table is drawn', async () => /busiest/.test((await page.locator('[data-panel="processes"] .unit').textContent()) ?? ''));
  assert.deepEqual(await boxes(page), first);
  const all = await page.locator('[data-panel="processes"] .rows').evaluate(rows => {
    rows.scrollTop = rows.scrollHeight;
    return [rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 1, rows.querySelectorAll('tbody tr').length];
  });
  assert.ok(all[0] && all[1] > 7, `all rows can be reached: ${all}`);
});

test('an empty panel says why, and how to push', async t => {
  const server = await ownServer(t);
  await push(server.url, [{ metric: 'orders_total', value: 1 }, { metric: 'not_a_number', value: 'NaN' }]);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(server.url, 'pushed'));
  const panel = name => page.locator('.panel', { hasText: name });
  await until('words', async () => (await page.locator('.panel-say').count()) === 2);
  assert.match((await panel('orders_total').locator('.panel-say').textContent()) ?? '', /A rate needs two samples of orders_total within 1m/);
  assert.match((await panel('not_a_number').locator('.panel-say').textContent()) ?? '', /All samples of not_a_number in this range are NaN/);
  await panel('orders_total').locator('.panel-say button').click();
  assert.match((await page.locator('dialog#push').textContent()) ?? '', /curl http:\/\/127\.0\.0\.1:\d+\/api\/v1\/push/);
});

const DOUBTFUL = `title = "Doubtful"
order = 3
[[panel]]
id = "rate"
title = "Rate of a level"
[[panel.query]]
expr = 'rate(level[1m])'
[[panel]]
id = "spread"
title = "Spread"
[[panel.query]]
expr = 'spread'
`;

test('a panel says what is doubtful about its values, and a rule does', async t => {
  const dashboards = folder => {
    mkdirSync(join(folder, 'dashboards'));
    writeFileSync(join(folder, 'dashboards', 'doubtful.toml'), DOUBTFUL);
    return {};
  };
  const rules = '[[rule]]\nname = "Level rises"\nexpr = "rate(level[1m])"\nabove = 100\n';
  const server = await ownServer(t, { rules, environment: dashboards });
  const at = Date.now();
  const histogram = { schema: 0, count: 1, sum: 1, positive: [[0, 1]] };
  await push(server.url, [9, 6, 3, 0].flatMap(back => [
    { metric: 'level', value: 50 - back, timestamp: at - back * 1000 }, { metric: 'spread', histogram, timestamp: at - back * 1000 },
  ]));
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(server.url, 'doubtful'));
  const rate = page.locator('[data-panel="rate"]');
  const note = rate.getByText('metric might not be a counter', { exact: false });
  await rate.getByRole('button', { name: '1 note' }).click();
  assert.equal(await note.isVisible(), true);
  await rate.getByRole('button', { name: '1 note' }).click();
  assert.equal(await note.isVisible(), false);
  const spread = page.locator('[data-panel="spread"] .panel-say');
  await until('words', async () => /native histograms cannot be drawn/.test((await spread.textContent()) ?? ''));
  await page.goto(`${server.url}/alerts`);
  await page.getByText('Level rises').first().click();
  await until('the rule says so', async () => (await page.getByText('metric might not be a counter', { exact: false }).count()) === 1);
});

test('of too many series the highest are drawn when asked for, and all names can be reached', async t => {
  const server = await ownServer(t);
  const at = Date.now();
  await push(server.url, Array.from({ length: 120 }, (_, i) => [0, 1, 2].map(back => ({ metric: 'shards', labels: { shard: `s${i}` }, value: i, timestamp: at - back * 1000 }))).flat());
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(server.url, 'pushed'));
  const panel = page.locator('.panel', { hasText: 'shards' });
  await until('the choice', async () => /120 series match, 50 can be drawn/.test((await panel.textContent()) ?? ''));
  await panel.getByRole('button', { name: 'Draw the 50 highest' }).click();
  const values = () => panel.locator('.legend dd').allTextContents();
  await until('the 50 highest', async () => {
    const read = (await values()).map(Number);
    return read.length === 50 && Math.min(...read) >= 70;
  });
  const more = panel.locator('.legend-more');
  await until('names are left over', async () => /^\+\d+ more$/.test((await more.textContent()) ?? ''));
  await more.click();
  const reached = await panel.locator('.legend').evaluate(list => {
    list.lastElementChild.scrollIntoView();
    const [box, last] = [list.getBoundingClientRect(), list.lastElementChild.getBoundingClientRect()];
    return last.top >= box.top - 1 && last.bottom <= box.bottom + 1;
  });
  assert.ok(reached, 'the last name can be scrolled to');
  await panel.locator('.chip-choice').click();
  await until('the choice again', async () => /120 series match/.test((await panel.locator('.panel-say').textContent()) ?? ''));
});

test('a young server opens with the shortest range; what was chosen stays chosen', async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  const pressed = () => page.locator('.segments [aria-pressed="true"]').getAttribute('data-range');
  await page.goto(await roomUrl(server.url, 'host'));
  assert.equal(await pressed(), '5m');
  await page.locator('[data-range="1h"]').click();
  await page.reload();
  await until('the chosen range', async () => (await pressed()) === '1h');
});

test('who is alone stays alone after an outage, and the notice counts down truly', async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(server.url, 'host'));
  await until('in the room', async () => /You, without a name/.test((await page.locator('.people').textContent()) ?? ''));
  await server.kill();
  await until('the count', async () => /Trying again in [1-5]\s*s/.test((await page.locator('.notice').textContent()) ?? ''), 30_000);
  await server.start();
  await until('live again', () => page.evaluate(() => window.watchroom.link().state === 'live'), 20_000);
  await until('the room again', async () => /You, without a name/.test((await page.locator('.people').textContent()) ?? ''));
  await until('one alone', async () => (await page.locator('.people li').count()) === 1);
});

test('Escape gives a zoom up', async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(server.url, 'host'));
  await untilDrawn(page);
  const plot = await page.locator('[data-panel="load"] .over').boundingBox();
  assert.ok(plot);
  await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.9, plot.y + 40, { steps: 4 });
  await page.keyboard.press('Escape');
  await page.mouse.up();
  // A zoom would have held the view at once; the page is still live when another step has come.
  const edge = () => page.evaluate(() => window.watchroom.link().edge);
  const before = await edge();
  await until('another step', async () => (await edge()) > before);
  assert.equal(await page.locator('.live-pill').getAttribute('data-link'), 'live');
});
