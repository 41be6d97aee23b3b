// A firing alert in dark and light, on a desk and on a phone: what must be in sight is, nothing is wider than the screen,
// and axe finds nothing serious. Pictures go where screens.test.mjs puts its own.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bootOf, browserFor, enter, ownServer, pushing, roomUrl, until } from './support.mjs';

const FOLDER = process.env.WATCHROOM_SHOTS ?? join(tmpdir(), 'watchroom-shots');
const AXE = createRequire(new URL('../../static/package.json', import.meta.url)).resolve('axe-core/axe.min.js');
const RULES = `
[[rule]]
name = "Room warm"
metric = "room_temperature_celsius"
above = { warning = 30, critical = 40 }
for = "1s"
unit = "°C"
summary = "{{ labels.desk }} is at {{ value | round(1) }} °C"
description = "Open a window. Its handle hangs **beside the door**; see https://wiki.example.org/a/very/long/path/to/the/page/about/windows."
runbook = "https://wiki.example.org/room-warm"

[[rule]]
name = "Load there"
metric = "node_load1"
above = -1
`;
const SIZES = [
  ['desktop', { viewport: { width: 1600, height: 1000 } }],
  ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }],
];

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

/** Everything of an element is on the screen. */
const inSight = place => place.evaluate(element => {
  const { top, bottom, left, right, height } = element.getBoundingClientRect();
  const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return height > 0 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth && at !== null && element.contains(at);
});

async function look(page, name, source) {
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the screen`);
  assert.deepEqual(await found(page, source), [], name);
}

for (const [size, options] of SIZES) {
  for (const colorScheme of ['dark', 'light']) {
    test(`${size}, ${colorScheme}`, { timeout: 120_000 }, async t => {
      await mkdir(FOLDER, { recursive: true });
      const source = await readFile(AXE, 'utf8');
      const server = await ownServer(t, { rules: RULES });
      pushing(t, server.url, { room_temperature_celsius: 45 }, { desk: 'taras' });
      const url = await roomUrl(server.url, 'pushed');
      await until('a panel', async () => (await bootOf(url)).panels.length === 1);
      const browser = await browserFor(t);
      const page = await enter(t, browser, await roomUrl(server.url, 'host'), 'Olena', { ...options, colorScheme });
      await until('the panel is marked', () => page.locator('[data-panel="load"] [data-alert-chip]').isVisible());
      await look(page, `marked-${size}-${colorScheme}`, source);
      await page.goto(url);
      await until('the title', async () => /^🛑 2 · /u.test(await page.title()));
      await look(page, `firing-${size}-${colorScheme}`, source);

      if (size === 'phone') await page.locator('.sheet-peek').tap();
      const card = page.locator('[data-alert-card][data-severity="critical"]');
      await until('the card', () => card.isVisible());
      await card.scrollIntoViewIfNeeded();
      await until('card and composer are in sight', async () => await inSight(card.locator('.card-value strong')) && await inSight(card.locator('[data-act="ack"]')) && await inSight(page.locator('#say')));
      await page.locator('[data-alert-card] details').first().evaluate(fold => { fold.open = true; });
      await look(page, `card-${size}-${colorScheme}`, source);
      await card.locator('[data-act="silence"]').click();
      await until('the form is in sight', async () => await inSight(page.locator('#silence-why')) && await inSight(page.locator('[data-pop="silence"] [type="submit"]')));
      await look(page, `silence-${size}-${colorScheme}`, source);
      await page.keyboard.press('Enter');
      await until('silenced', async () => /^▲ 1 · /u.test(await page.title()));

      await page.goto(`${server.url}/alerts`);
      await until('the rules', async () => (await page.locator('#rules tbody tr').count()) === 2);
      await look(page, `alerts-${size}-${colorScheme}`, source);
      await page.locator('.rule-name', { hasText: 'Room warm' }).click();
      await until('the rule is open', () => page.locator('#rule').isVisible());
      for (const tab of ['text', 'past', 'alerts']) {
        await page.locator(`#tab-${tab}`).click();
        await until('the tab is open', () => page.locator(`#t-${tab}`).isVisible());
        await look(page, `rule-${tab}-${size}-${colorScheme}`, source);
      }
      assert.equal(await page.locator('#t-alerts .rule-says b').textContent(), 'beside the door', 'what to do reads as in the room');
      t.diagnostic(FOLDER);
    });
  }
}
