// The page of alerts: a rule fires by pushing, is acked, silenced, and resolves; a bad edit of its file is seen and mended.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { browserFor, ownServer, pageFor, pushing, until } from './support.mjs';

const RULES = `
[[rule]]
name = "Room warm"
metric = "room_temperature_celsius"
above = { warning = 30, critical = 40 }
for = "2s"
unit = "°C"
summary = "{{ labels.desk }} is at {{ value | round(1) }} °C"
description = "Open a window."

[[rule]]
name = "Backup too old"
expr = 'time() - backup_last_success_seconds'
above = 93600
unit = "s"
`;

async function opened(t, browser, url) {
  const page = await pageFor(t, browser);
  await page.goto(url);
  await until('the rules are listed', async () => (await page.locator('#rules tbody tr').count()) > 0);
  return page;
}

const chipOf = (page, name) => page.locator('#rules tr', { hasText: name }).locator('.state').textContent();

test('a rule waits, fires, is acked, is silenced and resolves, on two pages', async t => {
  const server = await ownServer(t);
  await writeFile(join(server.directory, 'alerts.toml'), RULES);
  const browser = await browserFor(t);
  const pushed = pushing(t, server.url, { room_temperature_celsius: 20 }, { desk: 'taras' });
  const [page, other] = [await opened(t, browser, `${server.url}/alerts`), await opened(t, browser, `${server.url}/alerts`)];
  await until('the two rules are there', async () => (await page.locator('#rules tbody tr').count()) === 2);
  assert.doesNotMatch(await page.title(), /^[▲🛑]/u);

  pushed.room_temperature_celsius = 35;
  await until('it waits', async () => /pending/.test(await chipOf(page, 'Room warm')));
  await until('it fires', async () => /firing/.test(await chipOf(page, 'Room warm')));
  await until('the title says so', async () => /^▲ 1 · /u.test(await page.title()));
  assert.match(await page.locator('link[rel="icon"]').getAttribute('href'), /warning/);
  pushed.room_temperature_celsius = 45;
  await until('it is critical', async () => /^🛑 1 · /u.test(await page.title()));

  await page.keyboard.press('n');
  await until('`n` opens it', async () => /Room warm/.test(await page.locator('#rule-name').textContent()));
  await page.keyboard.press('a');
  await page.locator('#person-name').fill('Taras Koval');
  await page.keyboard.press('Enter');
  await until('the other page sees who acked', async () => /acked by Taras Koval/.test(await chipOf(other, 'Room warm')));
  await page.locator('#ack-why').fill('the window is open');
  await page.keyboard.press('Enter');
  await until('and why', async () => {
    await other.locator('.rule-name', { hasText: 'Room warm' }).click();
    return /the window is open/.test(await other.locator('#t-alerts').textContent());
  });
  await until('the title is quiet', async () => !/^[▲🛑]/u.test(await other.title()));

  await page.locator('[data-silence]').first().click();
  await page.locator('#silence-why').fill('<b>known</b>');
  await page.keyboard.press('Enter');
  await until('the other page lists the silence', async () => /<b>known<\/b>/.test(await other.locator('[data-silences]').textContent()));
  await until('the rule is silenced', async () => /silenced/.test(await chipOf(other, 'Room warm')));
  await other.locator('[data-silences] button').first().click();
  await other.locator('#person-name').fill('Olena');
  await other.keyboard.press('Enter');
  await until('the silence is ended', async () => !/known/.test(await page.locator('[data-silences]').textContent()));

  pushed.room_temperature_celsius = 21;
  await until('it resolves', async () => /ok/.test(await chipOf(page, 'Room warm')));
  await page.locator('#tab-past').click();
  await until('the past has it', async () => /lasted .*most 45/s.test(await page.locator('#t-past').textContent()));
});

test('a bad edit is shown with its line, changes nothing, and is gone when it is mended', async t => {
  const server = await ownServer(t);
  const file = join(server.directory, 'alerts.toml');
  await writeFile(file, RULES);
  const pushed = pushing(t, server.url, { room_temperature_celsius: 20 }, { desk: 'taras' });
  const browser = await browserFor(t);
  const page = await opened(t, browser, `${server.url}/alerts`);
  await until('the file is read', async () => /^2 rules from alerts.toml, read at .* without complaint$/.test(await page.locator('.rules-foot').textContent()));
  const room = await pageFor(t, browser);
  await room.goto(`${server.url}/rooms/host`);
  await writeFile(file, RULES.replace('above = 93600', 'abvoe = 93600'));
  const line = RULES.split('\n').indexOf('above = 93600') + 1;
  for (const one of [page, room]) {
    await until('the notice names the line', async () => new RegExp(`Line ${line}:`).test((await one.locator('[data-notice="rules"]').textContent()) ?? ''));
  }
  assert.equal(await page.locator('#rules tbody tr').count(), 2);
  // The rules from before go on: one fires now, on both pages.
  pushed.room_temperature_celsius = 35;
  await until('it fires', async () => /firing/.test(await chipOf(page, 'Room warm')));
  for (const one of [page, room]) await until('the title says so', async () => /^▲ 1 · /u.test(await one.title()));
  await writeFile(file, RULES);
  for (const one of [page, room]) await until('the notice is gone', async () => (await one.locator('[data-notice="rules"]').count()) === 0);
  assert.match(await chipOf(page, 'Room warm'), /firing/);
});

const many = count => Array.from({ length: count }, (_, i) => `
[[rule]]
name = "Rule ${String(i).padStart(3, '0')}"
expr = 'time() * 0 + ${i}'
above = ${i % 40 === 3 ? -1 : 1000}
`).join('');

test('keys act on the rule that has the focus', async t => {
  const server = await ownServer(t, { rules: many(200) });
  const browser = await browserFor(t);
  const page = await opened(t, browser, `${server.url}/alerts`);
  await until('five fire', async () => (await page.locator('#rules .chip-solid').count()) === 5);
  const focused = () => page.evaluate(() => document.activeElement?.closest('#rules tr') ? document.activeElement.textContent : document.activeElement?.tagName);
  const chosen = () => page.locator('#rules [aria-current] .rule-name').textContent();
  const pane = () => page.locator('#rule-name').textContent();
  const agree = async what => {
    const name = await focused();
    assert.match(name, /^Rule \d/, what);
    assert.equal(await chosen(), name, what);
    await until(`${what}: the pane follows`, async () => (await pane()) === name);
    return name;
  };
  await page.keyboard.press('n');
  const first = await agree('n');
  await page.keyboard.press('n');
  const second = await agree('n again');
  assert.notEqual(second, first);
  await page.keyboard.press('j');
  const third = await agree('j');
  assert.notEqual(third, second);
  for (let i = 0; i < 10; i++) await page.keyboard.press('j');
  const name = await focused();
  // At once, before the pane has followed.
  await page.keyboard.press('s');
  await page.locator('#person-name').fill('Taras Koval');
  await page.keyboard.press('Enter');
  await until('the form is of the same rule', async () => (await page.locator('[data-pop="silence"]').getAttribute('aria-label'))?.includes(name));
  const row = await page.locator('#rules [aria-current]').boundingBox();
  const form = await page.locator('[data-pop="silence"]').boundingBox();
  assert.ok(form.x < row.x + row.width && Math.min(Math.abs(form.y - row.y - row.height), Math.abs(form.y + form.height - row.y)) < row.height, 'beside its row');
  await page.keyboard.press('Escape');
  assert.equal(await agree('the focus is back'), name);
  await page.keyboard.press('k');
  assert.notEqual(await agree('k'), name);
  await page.keyboard.press('n');
  const fires = await agree('n once more');
  await page.keyboard.press('a');
  await until('it is acked', async () => /acked by Taras/.test(await page.locator('#rules [aria-current] .state').textContent()));
  assert.equal(await chosen(), fires);
  // Letters are keys also where a tab has the focus.
  await page.locator('#tab-past').click();
  await page.keyboard.press('/');
  await page.keyboard.type('rule 177');
  await page.keyboard.press('Enter');
  assert.equal(await agree('found'), 'Rule 177');
});

test('a replaced file is ranked anew, a rule that fails is named, all is said on a tablet', async t => {
  const rules = names => names.map((name, i) => `[[rule]]\nname = "${name}"\nexpr = 'vector(${i})'\nabove = 1.5\n`).join('');
  const server = await ownServer(t, { rules: rules(['Ant', 'Bee']) });
  const browser = await browserFor(t);
  const page = await opened(t, browser, `${server.url}/alerts`);
  const names = () => page.locator('#rules .rule-name').allTextContents();
  const failing = `[[rule]]\nname = "Twice"\nexpr = 'label_replace(label_replace(vector(1), "a", "1", "", ""), "a", "2", "", "") or label_replace(vector(1), "a", "1", "", "")'\nabove = 0\nlabels = { a = "x" }\n`;
  await writeFile(join(server.directory, 'alerts.toml'), rules(['Cow', 'Dog', 'Elk']) + failing);
  await until('what fires is first', async () => (await names())[0] === 'Elk' && /firing/.test(await chipOf(page, 'Elk')), 20_000);
  assert.match(await page.locator('[data-filter="firing"] use').getAttribute('href'), /g-warning/);
  await until('the error has a segment', async () => page.locator('[data-filter="error"]').isVisible());
  assert.match(await page.locator('.top-nav [data-alert-counts]').textContent(), /1 rule cannot be evaluated/);
  const tablet = await pageFor(t, browser, { viewport: { width: 900, height: 900 } });
  await tablet.goto(`${server.url}/alerts`);
  await until('where it goes is said', async () => tablet.locator('#rules .to').first().isVisible());
});

test('what ended before a restart is not called never', async t => {
  const server = await ownServer(t, { rules: RULES.replace('for = "2s"', '') });
  const browser = await browserFor(t);
  const pushed = pushing(t, server.url, { room_temperature_celsius: 35 }, { desk: 'taras' });
  const page = await opened(t, browser, `${server.url}/alerts`);
  await until('it fires', async () => /firing/.test(await chipOf(page, 'Room warm')));
  pushed.room_temperature_celsius = 20;
  await until('it is over', async () => /ok/.test(await chipOf(page, 'Room warm')));
  await page.locator('.rule-name', { hasText: 'Room warm' }).click();
  await page.locator('#tab-past').click();
  await until('its past is known', async () => /Fired once/.test(await page.locator('#t-past').textContent()));
  await server.kill();
  await server.start();
  const again = await opened(t, browser, `${server.url}/alerts`);
  await again.locator('.rule-name', { hasText: 'Room warm' }).click();
  await until('the pane says since when', async () => /^In order since/.test(await again.locator('[data-says]').textContent()));
  assert.doesNotMatch(await again.locator('#rules tr', { hasText: 'Room warm' }).locator('.changed').textContent(), /never/);
});
