// An alert's life as people in a room see it: pending, firing, acked, silenced, resolved; and the same by keyboard alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootOf, browserFor, enter, ownServer, pageFor, pushing, roomUrl, until } from './support.mjs';

const METRIC = 'room_temperature_celsius';
const RULES = `
[[rule]]
name = "Room warm"
metric = "${METRIC}"
above = 30
for = "4s"
severity = "critical"
unit = "°C"
summary = "{{ labels.desk }} is at {{ value | round(1) }} °C"
description = "Open a window."
runbook = "https://wiki.example.org/room-warm"
`;

const [PENDING_INK, CRITICAL_INK] = ['#f2b544', '#ff6f66'];
const card = page => page.locator('[data-alert-card]');
const panel = page => page.locator('.panel', { hasText: METRIC });
const chip = page => panel(page).locator('[data-alert-chip]');
const log = async page => ((await page.locator('.log-list').textContent()) ?? '').replaceAll(/\s/g, ' ');
const fact = async (place, name) => ((await place.locator(`dt:text-is("${name}") + dd`).textContent()) ?? '').replaceAll(/\s/g, ' ');
const shape = place => place.locator('.glyph use').first().getAttribute('href');
const counts = async page => ((await page.locator('[data-alert-counts]').first().textContent()) ?? '').trim();
const focused = page => page.evaluate(() => document.activeElement?.id || document.activeElement?.dataset.panel || document.activeElement?.tagName);

/** Starts a server with the rule, and values that are well; gives the room of the panel that draws them. */
async function setUp(t) {
  const server = await ownServer(t, { rules: RULES });
  const pushed = pushing(t, server.url, { [METRIC]: 20 }, { desk: 'taras' });
  const url = await roomUrl(server.url, 'pushed');
  await until('a panel', async () => (await bootOf(url)).panels.length > 0);
  return { server, pushed, url };
}

/** Counts pixels of an ink in the strip over a panel's plot. */
const stripPixels = (page, ink) => panel(page).locator('canvas.paint').evaluate((canvas, hex) => {
  const ratio = canvas.width / canvas.clientWidth;
  const wanted = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
  const { data } = canvas.getContext('2d').getImageData(0, 4 * ratio, canvas.width, 4 * ratio);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) if (wanted.every((want, c) => Math.abs(data[i + c] - want) < 24) && data[i + 3] > 128) found++;
  return found;
}, ink);

test('an alert as a room sees it: pending, firing, acked, silenced, resolved', { timeout: 180_000 }, async t => {
  const { server, pushed, url } = await setUp(t);
  const browser = await browserFor(t);
  const [olena, marek] = [await enter(t, browser, url, 'Olena'), await enter(t, browser, url, 'Marek')];
  const list = await enter(t, browser, url, 'Iryna');
  await list.goto(`${server.url}/alerts`);
  const rule = list.locator('#rules tr', { hasText: 'Room warm' });
  await until('the list', async () => /ok/.test((await rule.locator('.state').textContent()) ?? ''));
  await olena.locator('.segments button').first().click();
  const plain = await olena.title();
  assert.equal(await stripPixels(olena, PENDING_INK) + await stripPixels(olena, CRITICAL_INK), 0);

  pushed[METRIC] = 35;
  await until('it is pending in the time line', async () => /Room warm pending at 35\.0 °C/.test(await log(olena)));
  await until('it is pending on the panel', () => panel(olena).evaluate(section => section.classList.contains('is-waiting')));
  assert.match(await chip(olena).textContent(), /pending/);
  await until('its band is drawn', async () => await stripPixels(olena, PENDING_INK) > 0);
  await until('it is pending in the list', async () => /pending/.test((await rule.locator('.state').textContent()) ?? ''));
  assert.equal(await olena.title(), plain);
  assert.match(await counts(olena), /^1 pending$/);

  for (const page of [olena, marek]) await until('its card', async () => (await card(page).count()) === 1);
  assert.match((await card(olena).locator('.card-value').textContent()).replaceAll(/\s/g, ' '), /^35\.0 ?°C$/);
  assert.match(await fact(card(olena), 'State'), /^firing for \d+ s, critical$/);
  assert.equal(await fact(card(olena), 'Limit'), 'over 30 °C for 4 s');
  assert.match(await fact(card(olena), 'Where'), /\bdesk=taras\b/);
  assert.equal(await card(olena).locator('dt:text-is("Runbook") + dd a').getAttribute('href'), 'https://wiki.example.org/room-warm');
  assert.match(await card(olena).locator('.card-summary').textContent(), /^taras is at 35(\.0)? °C$/);
  assert.match(await card(olena).locator('time').textContent(), /^\d\d:\d\d:\d\d$/);
  await until('it fires on the panel', () => panel(olena).evaluate(section => section.classList.contains('is-firing') && section.dataset.severity === 'critical'));
  assert.match(await chip(olena).textContent(), /firing/);
  await until('its band is solid', async () => await stripPixels(olena, CRITICAL_INK) > 0);
  await until('it fires in the list', async () => /firing/.test((await rule.locator('.state').textContent()) ?? ''));
  for (const page of [olena, marek, list]) {
    await until('the tab says so', async () => /^🛑 1 · /u.test(await page.title()));
    assert.match(await page.locator('link[rel="icon"]').getAttribute('href'), /icon-critical/);
    assert.match(await counts(page), /^1 critical firing$/);
  }

  await card(olena).locator('[data-act="ack"]').click();
  await olena.locator('#ack-why').fill('the window is open');
  await olena.keyboard.press('Enter');
  await until('the other card says who', async () => /acked by Olena: the window is open$/.test(await fact(card(marek), 'State')));
  assert.match(await log(marek), /Olena acked Room warm/);
  await until('so does the chip', async () => /acked by Olena/.test(await chip(marek).textContent()));
  await until('so does the list', async () => /acked by Olena/.test((await rule.locator('.state').textContent()) ?? ''));
  await until('the tab is quiet', async () => (await marek.title()) === plain);
  await card(marek).locator('[data-act="ack"]').click();
  await until('the ack is taken back', async () => (await fact(card(olena), 'State')).endsWith('critical') && /Marek took back the ack of Room warm/.test(await log(olena)));
  await until('the tab is loud again', async () => /^🛑 1 · /u.test(await olena.title()));

  await card(marek).locator('[data-act="silence"]').click();
  assert.match(await marek.locator('[data-pop="silence"] .hint').textContent(), /^Holds back 1 alert now/);
  await marek.locator('#silence-why').fill('works on the roof');
  await marek.keyboard.press('Enter');
  for (const page of [olena, marek]) {
    await until('the bell is struck', async () => /#g-silenced$/.test(await shape(card(page)) ?? ''));
    await until('the chip says so', async () => /silenced until \d\d:\d\d/.test(await chip(page).textContent()));
    await until('tab and counts fall', async () => (await page.title()) === plain && (await counts(page)) === '');
    assert.equal(await page.locator('link[rel="icon"]').getAttribute('href'), '/assets/icon.svg');
  }
  assert.match(await log(olena), /Marek silenced Room warm .*desk=taras.* until \d\d:\d\d: works on the roof/);
  assert.match(await card(olena).getAttribute('class'), /is-silenced/);
  assert.equal(await card(olena).locator('.btn-primary').count(), 0);
  assert.match(await card(olena).locator('[data-act="silence"]').textContent(), /End silence$/);
  const silence = list.locator('[data-silences] li', { hasText: 'works on the roof' });
  await until('it is listed', () => silence.isVisible());
  await silence.locator('button').click();
  await until('it is ended', async () => (await list.locator('[data-silences] li', { hasText: 'works' }).count()) === 0);
  await until('the tab is loud again', async () => /^🛑 1 · /u.test(await olena.title()));
  assert.match(await shape(card(olena)), /#g-critical$/);

  await card(olena).locator('[data-act="ack"]').click();
  await until('acked', async () => /acked by Olena/.test(await fact(card(marek), 'State')));
  pushed[METRIC] = 45;
  await until('the card follows', async () => /^45\.0/.test((await card(marek).locator('.card-value').textContent()) ?? ''));
  pushed[METRIC] = 21;
  const over = marek.locator('.card.is-done', { hasText: 'Room warm' });
  await until('it is resolved', async () => (await over.count()) === 1 && (await card(marek).count()) === 0);
  assert.match(await fact(over, 'Value'), /^21\.0 °C, most 45\.0 °C at \d\d:\d\d:\d\d$/);
  assert.equal(await fact(over, 'Limit'), 'over 30 °C for 4 s');
  assert.match(await fact(over, 'Lasted'), /^(\d+ m )?\d+(\.\d+)? s, from \d\d:\d\d:\d\d$/);
  await until('the panel is as before', async () => (await chip(marek).count()) === 0 && !(await panel(marek).evaluate(section => /is-firing|is-waiting/.test(section.className))));
  for (const page of [olena, marek]) await until('the tab is as before', async () => (await page.title()) === plain && (await counts(page)) === '');
  assert.ok(await stripPixels(olena, CRITICAL_INK) > 0, 'the band of what is over stays');

  pushed[METRIC] = 36;
  await until('it fires again', async () => (await card(marek).count()) === 1);
  assert.match(await fact(card(marek), 'State'), /critical$/, 'the ack fell with the alert it was for');
  await until('the tab is loud', async () => /^🛑 1 · /u.test(await marek.title()));
});

test('everything about an alert by keyboard alone', { timeout: 120_000 }, async t => {
  const { server, pushed, url } = await setUp(t);
  const browser = await browserFor(t);
  const page = await enter(t, browser, url, 'Olena');
  pushed[METRIC] = 35;
  await until('its card', async () => (await card(page).count()) === 1);
  const { keyboard } = page;
  const home = await panel(page).getAttribute('data-panel');

  await keyboard.press('n');
  assert.equal(await focused(page), home, '`n` goes to the panel');
  await keyboard.press('a');
  await until('acked', async () => /acked by Olena/.test(await fact(card(page), 'State')));
  await page.locator('[data-pop="acked"]').waitFor();
  await keyboard.press('Escape');
  await until('the question is gone', async () => (await page.locator('[data-pop]').count()) === 0);
  assert.equal(await focused(page), home);
  await keyboard.press('a');
  await until('once more asks why', async () => (await focused(page)) === 'ack-why');
  await keyboard.type('I go there');
  await keyboard.press('Enter');
  await until('the reason', async () => /acked by Olena: I go there$/.test(await fact(card(page), 'State')));
  await until('the question is gone', async () => (await page.locator('[data-pop]').count()) === 0);
  assert.equal(await focused(page), home);

  await keyboard.press('s');
  await until('the form', async () => (await focused(page)) === 'silence-why');
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let i = 0; i < 9; i++) {
      await keyboard.press(key);
      assert.ok(await page.evaluate(() => document.activeElement?.closest('[data-pop="silence"]') !== null), `${key} ${i + 1} stays in the form`);
    }
  }
  await keyboard.press('Escape');
  await until('it is closed', async () => (await page.locator('[data-pop]').count()) === 0);
  assert.equal(await focused(page), home, 'the focus is back');
  await keyboard.press('s');
  await until('the form', async () => (await focused(page)) === 'silence-why');
  await keyboard.type('works on the roof');
  await keyboard.press('Shift+Tab');
  await keyboard.press('Shift+Tab');
  await keyboard.press('Shift+Tab');
  await keyboard.press('Shift+Tab');
  assert.match(await page.evaluate(() => document.activeElement?.textContent), /^30\sm$/);
  await keyboard.press('Space');
  assert.match(await page.locator('[data-pop="silence"] [aria-pressed="true"]').textContent(), /^30\sm$/);
  for (let i = 0; i < 4; i++) await keyboard.press('Tab');
  assert.equal(await focused(page), 'silence-why');
  await keyboard.press('Enter');
  await until('silenced', async () => /silenced until/.test(await chip(page).textContent()));
  await until('it is closed', async () => (await page.locator('[data-pop]').count()) === 0);
  assert.equal(await focused(page), home, 'the focus is back');

  await keyboard.press('m');
  assert.equal(await focused(page), 'say');
  await keyboard.type('the window is open');
  await keyboard.press('Enter');
  await until('the words', async () => /the window is open/.test(await log(page)));
  await keyboard.press('Escape');
  assert.equal(await focused(page), home, 'the focus is back');

  await keyboard.press('ArrowLeft');
  await keyboard.press('c');
  assert.equal(await focused(page), 'say');
  assert.match(await page.locator('.composer .at-chart').textContent(), new RegExp(`^${METRIC} at \\d\\d:\\d\\d:\\d\\d$`));
  await keyboard.type('here');
  await keyboard.press('Enter');
  await until('the pin', async () => (await panel(page).locator('[data-pin]').count()) === 1);
  await keyboard.press('Escape');
  assert.equal(await focused(page), home, 'the focus is back');

  const list = await pageFor(t, browser);
  await list.goto(`${server.url}/alerts`);
  await until('the rules', async () => (await list.locator('#rules tbody tr').count()) > 0);
  await list.keyboard.press('j');
  const link = await until('a row has the focus', () => list.evaluate(() => document.activeElement?.closest('#rules tr')?.querySelector('.rule-name')?.textContent));
  assert.match(link, /Room warm/);
  await list.keyboard.press('k');
  await list.keyboard.press('Enter');
  await until('it is opened', async () => /^#rule=/.test(new URL(list.url()).hash) && /Room warm/.test(await list.locator('#rule-name').textContent()));
});
