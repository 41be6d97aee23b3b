// The first screen has real values before any script, and its charts within a second.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyServer, browserFor, pageFor, roomUrl, until, untilDrawn } from './support.mjs';

/** From the request of the page to charts with samples, ms. */
const DRAWN_WITHIN_MS = 1_000;

test('values are there without script', async t => {
  const base = await anyServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser, { javaScriptEnabled: false });
  const url = await roomUrl(base, 'host');
  const values = await until('stats have values', async () => {
    await page.goto(url);
    const found = await page.locator('.stat-value > span:first-child').allTextContents();
    return found.length > 0 && found.filter(value => /\d/.test(value)).length >= found.length - 2 ? found : null;
  });
  assert.ok(values.length >= 4, `stats: ${values.join(' | ')}`);
  assert.match((await page.locator('.legend dd').allTextContents()).join(' '), /\d/);
  assert.match((await page.locator('.disks').textContent()) ?? '', /%/);
  assert.ok(await page.locator('tbody tr').count() > 0, 'processes');
});

test('the policy forbids inline script and styles, and the page has none', async t => {
  const base = await anyServer(t);
  const reply = await fetch(await roomUrl(base, 'host'));
  const policy = reply.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe/);
  const page = await reply.text();
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=|<script(?![^>]*(src=|application\/json))/);
});

test('charts are drawn within a second', async t => {
  const base = await anyServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  const url = await roomUrl(base, 'host');
  await page.goto(url);
  await untilDrawn(page);
  const times = [];
  for (let i = 0; i < 3; i++) {
    await page.goto(url, { waitUntil: 'commit' });
    await untilDrawn(page);
    times.push(await page.evaluate(() => Math.round(performance.now())));
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`drawn after ${times.join(', ')} ms`);
  assert.ok(times[1] <= DRAWN_WITHIN_MS, `drawn after ${times.join(', ')} ms`);
});

test('it goes on second by second, and pauses', async t => {
  const base = await anyServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.goto(await roomUrl(base, 'host'));
  await untilDrawn(page);
  const edge = () => page.evaluate(() => window.watchroom.link().edge);
  const first = await edge();
  await until('three more steps', async () => (await edge()) >= first + 3000);
  await until('the pill says how late', async () => /live · \d+/.test(((await page.locator('.live-pill').textContent()) ?? '').replace(/\s+/g, ' ')));
  await page.locator('body').press('Space');
  await until('the pill says paused', async () => (await page.locator('.live-pill').getAttribute('data-link')) === 'paused');
  await page.locator('body').press('Home');
  await until('the pill says live', async () => (await page.locator('.live-pill').getAttribute('data-link')) === 'live');
});
