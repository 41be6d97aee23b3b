// Two people in one room: they see each other, talk, type, pin a moment and go back to it; only by keyboard where it matters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketFor } from './socket.mjs';
import { anyServer, browserFor, enter, ownServer, pageFor, roomUrl, until, write } from './support.mjs';

const rows = page => page.locator('.log-list > li');
const lastRow = async page => ((await rows(page).last().textContent()) ?? '').trim();
/** Words that no other test writes into the same room. */
const words = what => `${what} ${Math.random().toString(36).slice(2)}`;

test('two people see each other, type, and talk', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const [olena, marek] = [await enter(t, browser, url, words('Olena')), await enter(t, browser, url, words('Marek'))];
  for (const page of [olena, marek]) await until('both', async () => /Olena[\s\S]*Marek|Marek[\s\S]*Olena/.test((await page.locator('.people').textContent()) ?? ''));
  await olena.keyboard.press('m');
  await olena.keyboard.type('sl');
  await until('typing', async () => /^Olena \S+ is typing…$/.test((await marek.locator('.typing').textContent()) ?? ''));
  const said = words('slow disks');
  await olena.locator('#say').fill(said);
  await olena.keyboard.press('Enter');
  await until('the words', async () => (await lastRow(marek)).includes(said));
  await until('nobody types', async () => (await marek.locator('.typing').textContent()) === '');
  await until('stored', async () => (await lastRow(olena)).includes(said) && (await olena.locator('.is-out').count()) === 0);
  assert.equal(await olena.locator('.rich', { hasText: said }).count(), 1);
  assert.equal(await olena.locator('#say').inputValue(), '');
});

test('a name is asked for when one first writes, and kept', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const page = await enter(t, browser, url, null);
  const [said, name] = [words('first words'), words('Iryna')];
  await page.keyboard.press('m');
  await page.keyboard.type(said);
  await page.keyboard.press('Enter');
  await until('the question', () => page.locator('#person-name').isVisible());
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
  await until('the words', async () => (await lastRow(page)).includes(said) && (await lastRow(page)).includes(name));
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'say');
  await page.reload();
  await until('still here', async () => ((await page.locator('.people').textContent()) ?? '').includes(`${name}, you`));
});

test('what is written is text, whatever it holds', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const page = await enter(t, browser, url, '<img src=x onerror=alert(1)>');
  page.on('dialog', () => assert.fail('a script ran'));
  const attack = `<script>alert(1)</script> [x](javascript:alert(1)) ${words('x')}`;
  await write(page, attack);
  await until('the words', async () => (await lastRow(page)).includes(attack));
  assert.equal(await page.locator('.log-list :is(script, img, a[href^="javascript"])').count(), 0);
  assert.ok((await lastRow(page)).includes('<img src=x onerror=alert(1)>'));
});

test('a comment is pinned under the crosshair, seen on the chart by others, and gone back to', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const [olena, marek] = [await enter(t, browser, url, 'Olena'), await enter(t, browser, url, 'Marek')];
  const plot = await olena.locator('[data-panel="load"] .over').boundingBox();
  await olena.mouse.move(plot.x + plot.width - 40, plot.y + plot.height / 2);
  await olena.keyboard.press('c');
  const chip = olena.locator('.composer .at-chart');
  await until('the moment', () => chip.isVisible());
  const moment = (await chip.textContent()) ?? '';
  assert.match(moment, /^Load at \d\d:\d\d:\d\d$/);
  const said = words('look here');
  await olena.keyboard.type(said);
  await olena.keyboard.press('Enter');
  await until('the words', async () => (await lastRow(marek)).includes(said));
  const comment = marek.locator('.event', { hasText: said });
  const key = await comment.getAttribute('data-key');
  const pin = marek.locator(`[data-panel="load"] [data-pin="${key}"]`);
  await until('the pin', () => pin.isVisible());
  await comment.locator('.at-chart').click();
  assert.equal(await marek.evaluate(() => document.activeElement?.dataset.panel), 'load');
  // The crosshair is where the comment was made: a comment of one's own would be pinned to the same moment.
  await marek.keyboard.press('c');
  await until('the same moment', async () => (await marek.locator('.composer .at-chart').textContent()) === moment);
  await pin.focus();
  await marek.keyboard.press('Enter');
  assert.equal(await marek.evaluate(() => document.activeElement?.dataset.key), key);
});

test('what is written without a link is kept over a reload, and sent once', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const [olena, marek] = [await enter(t, browser, url, 'Olena'), await enter(t, browser, url, 'Marek')];
  const said = words('without a link');
  await olena.context().setOffline(true);
  await until('lost', () => olena.evaluate(() => window.watchroom.link().state !== 'live'), 40_000);
  await write(olena, said);
  await until('waiting', async () => (await olena.locator('.is-out', { hasText: said }).count()) === 1);
  await olena.context().setOffline(false);
  await olena.reload();
  await until('the words', async () => (await marek.locator('.rich', { hasText: said }).count()) > 0);
  await until('stored', async () => (await olena.locator('.rich', { hasText: said }).count()) === 1 && (await olena.locator('.is-out').count()) === 0);
  assert.equal(await marek.locator('.rich', { hasText: said }).count(), 1);
});

test('folded, the rail counts what is new; opened, it is read', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const [olena, marek] = [await enter(t, browser, url, 'Olena'), await enter(t, browser, url, 'Marek')];
  // Whoever is not in the room yet reads what was said before as the past.
  await until('Marek is in', async () => /Olena/.test((await marek.locator('.people').textContent()) ?? ''));
  await marek.keyboard.press('r');
  await write(olena, words('one'));
  await write(olena, words('two'));
  // An alert of the machine that runs this counts, too.
  await until('two', async () => Number(await marek.locator('.rail [data-unread]').textContent()) >= 2);
  const told = await marek.locator('.rail').evaluate(rail =>
    [rail.querySelector('[data-unread]').textContent, rail.querySelector('button').getAttribute('aria-label')]);
  assert.equal(told[1], `Open the room, ${told[0]} new`);
  await marek.keyboard.press('r');
  await until('read', () => marek.locator('.rail [data-unread]').isHidden());
  assert.equal(await marek.locator('.divider.is-new').count(), 1);
});

/** Says so many messages in a room, by several connections: each may say so many at once. */
async function fill(t, base, room, count) {
  const AT_ONCE = 28;
  for (let said = 0; said < count; said += AT_ONCE) {
    const { ask } = await socketFor(t, base);
    await ask({ rpc: { method: 'introduce', data: { id: `${said}`.padStart(16, '0'), name: `Talker ${said}` } } });
    for (let i = said; i < Math.min(count, said + AT_ONCE); i++) {
      await ask({ rpc: { method: 'say', data: { room, id: `filled-${i}`, text: `message ${i}${' and more words of it'.repeat(i % 5)}` } } });
    }
  }
}

/** Gives the message at the middle of the box and where its top is, or null; and how many messages are here. */
const reading = page => page.locator('.log').evaluate(box => {
  const { top, height } = box.getBoundingClientRect();
  const here = [...box.querySelectorAll('.event[data-key]')];
  const row = here.find(one => one.getBoundingClientRect().bottom > top + height / 2);
  return { key: row?.dataset.key, top: row?.getBoundingClientRect().top, count: here.length, scrollTop: box.scrollTop };
});
const topOf = (page, key) => page.locator(`.event[data-key="${key}"]`).evaluate(row => row.getBoundingClientRect().top);
/** Two frames: what scrolled has happened, and what came has been drawn. */
const drawn = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

/** So late is all that the server says: one who scrolls is at the top before the page before comes. */
const FAR_MS = 300;

for (const [way, step] of [['slowly', 100], ['in leaps', 500]]) {
  test(`scrolling back ${way}, what is read stays in its place while older pages join, one at a time`, { timeout: 120_000 }, async t => {
    const server = await ownServer(t, { rules: '' });
    await fill(t, server.url, 'host', 224);
    const browser = await browserFor(t);
    const page = await pageFor(t, browser);
    await page.routeWebSocket(/\/connection\//, near => {
      const far = near.connectToServer();
      far.onMessage(message => setTimeout(() => near.send(message), FAR_MS));
    });
    await page.goto(await roomUrl(server.url, 'host'));
    await until('the newest page', async () => (await reading(page)).count >= 50);
    await page.locator('.log').hover();
    let joined = 0;
    let before = await reading(page);
    for (let turns = 0; before.count < 224 && turns < 400; turns++) {
      await page.mouse.wheel(0, -step);
      await new Promise(done => setTimeout(done, 160));
      await drawn(page);
      const after = await reading(page);
      const moved = await topOf(page, before.key) - before.top;
      const grown = after.count - before.count;
      assert.ok(moved >= -2 && moved <= step + 2, `${before.key} moved ${moved} px of ${step}, ${grown} messages joined, from ${before.scrollTop} to ${after.scrollTop}`);
      assert.ok(grown <= 50, `${grown} messages joined in one step`);
      if (grown > 0) joined++;
      before = after;
    }
    assert.deepEqual([before.count, joined >= 4], [224, true]);
    await until('the beginning', async () => { await page.mouse.wheel(0, -step); return page.locator('.log-start').isVisible(); });
  });
}

test('on a phone the room is a sheet that says the last message', async t => {
  const url = await roomUrl(await anyServer(t), 'host');
  const browser = await browserFor(t);
  const phone = await enter(t, browser, url, 'Marek', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const olena = await enter(t, browser, url, 'Olena');
  const said = words('to a phone');
  await write(olena, said);
  await until('the message', async () => ((await phone.locator('.sheet-peek small').textContent()) ?? '') === `Olena: ${said}`);
  assert.equal(await phone.locator('.composer').isVisible(), false);
  await phone.locator('.sheet-peek').tap();
  await until('open', () => phone.locator('.composer').isVisible());
  assert.ok((await lastRow(phone)).includes(said));
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0);
});
