// What hands do: crosshair and read-out, zoom, shift, keys, find, one panel alone, themes. And what a screen reader meets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyServer, browserFor, pageFor, roomUrl, until, untilDrawn } from './support.mjs';

const untilSteps = page => until('twelve steps', () => page.evaluate(() => (window.watchroom.panels().find(panel => panel.id === 'load')?.queries[0]?.series[0]?.v ?? []).filter(Number.isFinite).length >= 12));

async function openRoom(t, options) {
  const base = await anyServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser, options);
  await page.goto(await roomUrl(base, 'host'));
  await untilDrawn(page);
  await untilSteps(page);
  return page;
}

const state = page => page.locator('.live-pill').getAttribute('data-link');

test('at the crosshair the legend reads that moment', async t => {
  const page = await openRoom(t);
  await page.locator('.segments button').first().click();
  await untilSteps(page);
  const plot = await page.locator('[data-panel="load"] .over').boundingBox();
  assert.ok(plot);
  await page.locator('[data-pause]').click();
  await until('paused', async () => (await state(page)) === 'paused');
  await page.mouse.move(plot.x + plot.width - 10, plot.y + plot.height / 2);
  await until('the legend reads a value of the series', async () => {
    const said = (await page.locator('[data-panel="load"] .legend dd').first().textContent()) ?? '';
    const values = await page.evaluate(() => window.watchroom.panels().find(panel => panel.id === 'load').queries[0].series[0].v.slice(-30).map(value => value.toFixed(2)));
    return values.includes(said.replace(/\s/g, ''));
  });
});

test('a drag zooms and holds, a double click goes back to live', async t => {
  const page = await openRoom(t);
  const plot = await page.locator('[data-panel="pressure"] .over, [data-panel="load"] .over').first().boundingBox();
  assert.ok(plot);
  const middle = plot.y + plot.height / 2;
  await page.mouse.move(plot.x + plot.width * 0.6, middle);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.9, middle, { steps: 4 });
  await page.mouse.up();
  await until('held', async () => (await state(page)) === 'paused');
  await page.mouse.dblclick(plot.x + plot.width / 2, middle);
  await until('live', async () => (await state(page)) === 'live');
});

test('everything by keyboard', async t => {
  const page = await openRoom(t);
  const body = page.locator('body');
  const pressed = () => page.locator('.segments [aria-pressed="true"]').getAttribute('data-range');
  const before = await pressed();
  await body.press(']');
  await until('a longer range', async () => (await pressed()) !== before);
  await body.press('[');
  await until('the range before', async () => (await pressed()) === before);
  await body.press('?');
  assert.ok(await page.locator('#keys').isVisible());
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('load');
  assert.ok(await page.locator('#finder li').count() > 0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('f');
  assert.equal(await page.locator('.panel.is-full').count(), 1);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.panel.is-full').count(), 0);
  const room = () => page.evaluate(() => document.documentElement.dataset.room ?? 'open');
  const open = await room();
  await page.keyboard.press('r');
  assert.notEqual(await room(), open);
});

test('a theme that was chosen is worn by the next page, before it is painted', async t => {
  const page = await openRoom(t);
  await page.locator('[data-theme-next]:visible').click();
  await page.locator('[data-theme-next]:visible').click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  await page.reload({ waitUntil: 'commit' });
  await page.waitForSelector('.top');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
});

test('what a screen reader meets', async t => {
  const page = await openRoom(t);
  assert.equal(await page.locator('h1').count(), 1);
  const nameless = await page.evaluate(() => [...document.querySelectorAll('button, canvas[role="img"], section.panel, nav, aside, dialog, input, select')]
    .filter(element => !element.closest('[hidden]') && !(element.labels?.length || element.getAttribute('aria-label') || element.textContent?.trim() || document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent))
    .map(element => element.outerHTML.slice(0, 120)));
  assert.deepEqual(nameless, []);
  const unheard = await page.evaluate(() => [...document.querySelectorAll('canvas')].filter(canvas => canvas.getAttribute('role') !== 'img' && canvas.getAttribute('aria-hidden') !== 'true').length);
  assert.equal(unheard, 0);
});
