// Whatever anyone can write, in rules, metrics, labels, reasons and names, is text on every page: no markup, nothing runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketFor } from './socket.mjs';
import { bootOf, browserFor, enter, ownServer, pushing, roomUrl, until } from './support.mjs';

/** Each marks the page when it is taken for more than text; the word before tells where it was written. */
const image = where => `${where} <img src=x onerror="window.ran='${where}'">`;
const script = where => `${where} "><script>window.ran='${where}'</script>`;
const breaks = where => `${where}" onmouseover="window.ran='${where}'" autofocus onfocus='window.ran=1' x="`;
const link = where => `javascript:window.ran='${where}'`;

/** Rules take http and https alone. */
const RUNBOOK = `https://example.org/"onfocus="window.ran=1"><script>window.ran=1</script>`;
const METRIC = 'attack_level';
const ODD = 'кімната "><img src=x>';
const RULES = `
[[rule]]
name = '''${image('rule')}'''
metric = "${METRIC}"
above = 30
severity = "critical"
summary = '''${script('summary')} {{ labels.desk }}'''
description = '''${image('about')} [press](${link('about')}) {{ labels.shelf }} \`${script('code')}\` <${link('bare')}>'''
runbook = '''${RUNBOOK}'''
labels = { team = '''${breaks('team')}''' }
`;
const LABELS = { desk: image('desk'), shelf: script('shelf'), door: breaks('door'), way: link('way'), 'Ґанок': '🦊 <b>bold</b>' };

/** What the page has that came of a text, and whether something ran. */
const harm = page => page.evaluate(() => {
  for (const each of document.querySelectorAll('main *, .room *, [popover] *')) {
    if (each.attributes.onmouseover || each.attributes.onfocus) return `an attribute: ${each.outerHTML}`;
    for (const type of ['mouseover', 'focus']) each.dispatchEvent(new Event(type));
  }
  const made = document.querySelector('img, script:not([src], [type="application/json"]), iframe, b b, a[href^="javascript" i]');
  return made?.outerHTML ?? (window.ran === undefined ? '' : `ran: ${window.ran}`);
});

const says = async (page, selector, words) => until(`${selector} says ${words}`, async () => (await page.locator(selector).allTextContents()).join(' ').includes(words));

test('rules, labels, metrics, reasons and names are text in the room and in the list', { timeout: 120_000 }, async t => {
  const server = await ownServer(t, { rules: RULES });
  pushing(t, server.url, { [METRIC]: 45, [image('metric')]: 1, [ODD]: 2 }, LABELS);
  const url = await roomUrl(server.url, 'pushed');
  await until('the panels', async () => (await bootOf(url)).panels.length === 3);
  // Without the page's policy, which would stop a script that got in: here none may get in.
  const browser = await browserFor(t);
  const page = await enter(t, browser, url, 'Olena', { bypassCSP: true });
  page.on('dialog', () => assert.fail('a script ran'));
  await until('the card', async () => (await page.locator('[data-alert-card]').count()) === 1);
  for (const name of [image('metric'), ODD]) await says(page, '.panel h2', name);
  assert.equal(await harm(page), '');

  const { ask } = await socketFor(t, server.url);
  const call = (method, data) => ask({ rpc: { method, data } });
  const room = 'pushed';
  const alert = await page.locator('[data-alert-card]').getAttribute('data-alert-card');
  await call('introduce', { id: 'a'.repeat(16), name: image('me').slice(0, 40) });
  await call('say', { room, id: 'attack', text: `${image('said')} [press](${link('said')}) ${breaks('said')}`, pin: { panel: (await bootOf(url)).panels[0].id, time: Date.now() } });
  await call('ack', { alert, room, reason: script('why') });
  await page.locator('[data-alert-card] details').first().evaluate(fold => { fold.open = true; });
  for (const words of [image('rule'), script('summary'), image('desk'), image('about'), script('shelf'), breaks('door'), link('way'), script('why'), image('me').slice(0, 40)]) await says(page, '[data-alert-card]', words);
  for (const words of [image('said'), breaks('said'), script('why')]) await says(page, '.log-list', words);
  assert.equal(await harm(page), '');

  const { id } = await call('silence', { room, id: 'b'.repeat(16), matchers: [{ name: 'desk', op: '=', value: LABELS.desk }, { name: 'alertname', op: '=', value: image('rule') }], end: Date.now() + 600_000, reason: breaks('quiet') }).then(reply => reply.data ?? reply);
  assert.ok(id);
  await says(page, '.log-list', breaks('quiet'));
  await says(page, '.log-list', `desk=${LABELS.desk}`);
  await page.locator('[data-alert-card] [data-act="ack"]').hover();
  await page.locator('.people-open, [popovertarget="people"]').first().click().catch(() => undefined);
  assert.equal(await harm(page), '');

  await page.goto(`${server.url}/alerts`);
  await says(page, '#rules', image('rule'));
  await says(page, '[data-silences]', breaks('quiet'));
  await page.locator('.rule-name').first().click();
  await until('the rule is open', () => page.locator('#rule').isVisible());
  for (const tab of ['text', 'past', 'alerts']) {
    await page.locator(`#tab-${tab}`).click();
    await until('the tab is open', () => page.locator(`#t-${tab}`).isVisible());
    assert.equal(await harm(page), '', tab);
  }
  await says(page, '#t-alerts', LABELS.desk);
  await says(page, '#t-text', RUNBOOK);
  assert.equal(await harm(page), '');
  await page.locator('main').evaluate((main, html) => main.insertAdjacentHTML('beforeend', html), image('test'));
  await until('harm is seen where there is some', async () => (await harm(page)) !== '' && await page.evaluate(() => window.ran === 'test'));
});
