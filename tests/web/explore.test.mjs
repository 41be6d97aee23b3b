// The page of queries in a browser: completion, errors under their character, live graphs, links, tables, panels and rules.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { browserFor, ownServer, pageFor, pushing, until } from './support.mjs';

const FOLDER = process.env.WATCHROOM_SHOTS ?? join(tmpdir(), 'watchroom-shots');
const AXE = createRequire(new URL('../../static/package.json', import.meta.url)).resolve('axe-core/axe.min.js');
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const DESK = { viewport: { width: 1440, height: 900 } };

async function opened(t, browser, server, { queries = [], more = {}, ...options } = {}) {
  const page = await pageFor(t, browser, { ...DESK, ...options });
  await page.goto(`${server.url}/explore#${new URLSearchParams([...queries.map(query => ['q', query]), ...Object.entries({ range: '5m', ...more })])}`);
  await until('the page has begun', async () => (await page.locator('main.explore').getAttribute('aria-busy')) === null);
  return page;
}

/** Series of the graph's queries, each with its values. */
const drawn = page => page.evaluate(() => window.watchroom.panels().flatMap(panel => panel.queries.flatMap(query => query.series)));
const editorText = (page, at = 0) => page.locator('.editor').nth(at).locator('.cm-content').innerText();
const rows = page => page.locator('.results tbody tr').allInnerTexts();

/** Empties the editor and writes into it. */
async function typed(page, text, at = 0) {
  await page.locator('.editor').nth(at).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** Waits for a completion of this name, and gives what is said beside it. */
async function completed(page, name) {
  const option = page.locator('.cm-tooltip-autocomplete li', { hasText: name }).first();
  await until(`${name} can be completed`, () => option.isVisible());
  return option;
}

test('metrics, labels, values and functions are completed, by keyboard alone', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const values = pushing(t, server.url, { door_opened_total: 1, door_locked: 1 }, { door: 'north', lock: 'steel' });
  const browser = await browserFor(t);
  const page = await opened(t, browser, server);
  await until('the metric is there', async () => (await (await fetch(`${server.url}/api/v1/label/__name__/values`)).text()).includes('door_locked'));
  assert.equal(values.door_locked, 1);

  await typed(page, 'door_lo');
  await completed(page, 'door_locked');
  await page.waitForTimeout(100);
  await page.keyboard.press('Enter');
  await until('the metric is written', async () => (await editorText(page)) === 'door_locked');
  await page.keyboard.type('{lo');
  await completed(page, 'lock');
  await page.waitForTimeout(100);
  await page.keyboard.press('Enter');
  await page.keyboard.type('="st');
  await completed(page, 'steel');
  await page.waitForTimeout(100);
  await page.keyboard.press('Enter');
  await until('label and value are written', async () => (await editorText(page)).startsWith('door_locked{lock="steel"'));

  await typed(page, 'histogram_quan');
  const help = await completed(page, 'histogram_quantile');
  assert.match(await help.innerText(), /quantile/i);
  await until('the help of the function is shown', async () => /quantile/i.test(await page.locator('.cm-completionInfo').first().innerText()));
  await page.keyboard.press('Escape');
  await until('the list is closed', async () => (await page.locator('.cm-tooltip-autocomplete').count()) === 0);
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement?.matches('main.explore')), true, 'a second Escape gives the keys back');
  await page.keyboard.press('m');
  assert.equal(await page.evaluate(() => document.activeElement?.classList.contains('editor')), true, 'and m goes back to the query');

  await typed(page, 'a');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('b');
  assert.deepEqual((await editorText(page)).split('\n').map(line => line.trim()), ['a', 'b'], 'Shift Enter is a new line');
});

test('an error stands under its character', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await opened(t, browser, server);
  await typed(page, 'vector(1) +* 2');
  await page.keyboard.press('Control+Enter');
  await until('it is said', () => page.locator('.query-problem .problem').isVisible());
  assert.match(await page.locator('.query-problem .problem').innerText(), /Line 1, column 12/);
  assert.equal(await page.locator('.editor .cm-lintRange-error').innerText(), '*');
  const [line, caret] = (await page.locator('.query-place').textContent()).split('\n');
  assert.equal(line[caret.indexOf('^')], '*');
  assert.equal(await page.locator('.editor .cm-content').getAttribute('aria-invalid'), 'true');

  await page.keyboard.press('End');
  await page.keyboard.press('Backspace');
  assert.ok(await page.locator('.query-problem').isHidden(), 'what is written anew is not wrong yet');
  await typed(page, 'vector(1) + 2');
  await page.keyboard.press('Control+Enter');
  await until('it is drawn', async () => (await drawn(page)).some(one => one.v.includes(3)));
  assert.equal(await page.locator('.editor .cm-lintRange-error').count(), 0);
});

test('remarks of the server stand below the query, and lead into it', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser, DESK);
  await page.route('**/api/v1/query', async route => {
    const reply = await route.fetch();
    await route.fulfill({ response: reply, json: { ...await reply.json(), infos: ['PromQL info: metric might not be a counter: "a" (1:8)'], warnings: ['PromQL warning: odd'] } });
  });
  await page.goto(`${server.url}/explore#q=vector(1)&tab=table`);
  await until('they are said', async () => (await page.locator('.query-remarks li').count()) === 2);
  assert.match(await page.locator('.query-remarks').innerText(), /Warning odd\s+Note metric might not be a counter: "a" line 1, column 8/);
  await page.locator('.query-remarks button').click();
  await page.keyboard.type('0');
  assert.equal(await editorText(page), 'vector(01)', 'the cursor is at the place');
});

test('a live graph draws what comes, stands still when paused, and goes on', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const pushed = pushing(t, server.url, { room_celsius: 20 }, { room: 'lab' });
  const browser = await browserFor(t);
  await until('it is there', async () => (await (await fetch(`${server.url}/api/v1/query?query=room_celsius`)).text()).includes('lab'));
  const page = await opened(t, browser, server, { queries: ['room_celsius'] });
  await until('it is drawn', async () => (await drawn(page)).some(one => one.v.includes(20)));
  pushed.room_celsius = 31;
  await until('what came is drawn', async () => (await drawn(page)).some(one => one.v.includes(31)));
  assert.match(await page.locator('.explore-panel .legend').innerText(), /lab|room_celsius/);
  assert.match(await page.locator('[data-step-says]').innerText(), /automatic 1s, 301 points/);

  await page.locator('h1').click();
  await page.keyboard.press('Space');
  await until('the address says where it stands', () => page.evaluate(() => /from=\d+&to=\d+/.test(location.hash)));
  const at = await page.evaluate(() => location.hash);
  pushed.room_celsius = 47;
  const legend = page.locator('.explore-panel .legend dd').first();
  await until('a new sample came all the same', async () => (await drawn(page)).some(one => one.v.includes(47)));
  assert.doesNotMatch(await legend.innerText(), /47/, 'a graph that stands still does not show it');
  await page.goBack();
  await until('back is live again', () => page.evaluate(() => !location.hash.includes('from=')));
  await until('and shows it', async () => /47/.test(await legend.innerText()));
  await page.goForward();
  await until('forward stands still', async () => (await page.evaluate(() => location.hash)) === at);
  await until('where it stood', async () => !/47/.test(await page.locator('.explore-panel .legend dd').first().innerText()));
  await page.keyboard.press(']');
  await until('another range is live, and longer', () => page.evaluate(() => /range=15m/.test(location.hash) && !/from=/.test(location.hash)));

  const subscriptions = () => fetch(`${server.url}/metrics`).then(reply => reply.text()).then(text => Number(/^watchroom_subscriptions(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1]));
  const before = await until('its live query stands', subscriptions);
  await page.locator('.query-on input').click();
  await until('one that is off is not asked', async () => (await subscriptions()) === before - 1);
});

test('a link brings the whole page back', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await opened(t, browser, server, { queries: ['vector(1)'] });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('[data-add]').click();
  await page.keyboard.type('vector(2) # ü & =');
  await page.locator('[data-step]').fill('5s');
  await page.keyboard.press('Enter');
  await page.locator('#tab-table').click();
  await until('there are two rows', async () => (await rows(page)).length === 2);
  await page.locator('[data-copy-link]').click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await pageFor(t, browser, DESK);
  await other.goto(link);
  await until('both rows are there', async () => (await rows(other)).length === 2);
  assert.deepEqual([await editorText(other), await editorText(other, 1)], ['vector(1)', 'vector(2) # ü & =']);
  assert.equal(await other.locator('#tab-table').getAttribute('aria-selected'), 'true');
  assert.equal(await other.locator('[data-step]').inputValue(), '5s');

  await other.locator('.query').nth(1).locator('.query-tools button').last().click();
  await until('the other is removed', async () => (await rows(other)).length === 1);
  for (let i = 1; i < 8; i++) await other.locator('.query').first().locator('.query-tools button').nth(1).click();
  assert.equal(await other.locator('.query').count(), 8);
  assert.ok(await other.locator('[data-add]').isDisabled(), 'there are no more than eight');
});

test('the table sorts, filters and copies, and draws native histograms', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await pageFor(t, browser, DESK);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const result = [
    ...Array.from({ length: 250 }, (_, i) => ({ metric: { __name__: 'a', cpu: `${i}` }, value: [1_790_000_000, `${(i * 7) % 250}`] })),
    { metric: { __name__: 'h' }, histogram: [1_790_000_000, { count: '12', sum: '30.5', buckets: [[0, '1', '2', '4'], [0, '2', '4', '8']] }] },
  ];
  await page.route('**/api/v1/query', route => route.fulfill({ json: { status: 'success', data: { resultType: 'vector', result } } }));
  await page.goto(`${server.url}/explore#q=a&tab=table&from=1790000000000&to=1790000060000`);
  await until('its rows are there', async () => (await rows(page)).length === 200);
  assert.match(await page.locator('#t-table .rules-foot').innerText(), /251 rows .* and 51 more/);
  await page.locator('th[data-sort="value"] button').click();
  await until('the highest come first', async () => (await rows(page))[0].includes('249'));
  assert.equal(await page.locator('th[data-sort="value"]').getAttribute('aria-sort'), 'descending');
  assert.equal(await page.evaluate(() => document.activeElement?.closest('th')?.dataset.sort), 'value', 'the focus stays');
  await page.locator('th[data-sort="value"] button').click();
  assert.match((await rows(page))[0], /cpu="0"\}\s+0$/);
  await page.locator('[data-filter]').fill('h{} nothing');
  await until('nothing is left', async () => (await rows(page)).length === 0);
  await page.locator('[data-filter]').fill('cpu="12');
  await until('eleven are left', async () => (await rows(page)).length === 11);
  await page.locator('[data-csv]').click();
  const csv = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(csv, /^query,__name__,cpu,time,value\r?\nA,a,12,2026-/);
  assert.equal(csv.trim().split('\n').length, 12);
  await page.locator('[data-filter]').fill('h');
  await until('the histogram is drawn', async () => (await page.locator('.buckets rect').count()) === 2);
  assert.match((await rows(page))[0], /count 12, sum 30.5/);
  await page.locator('[data-filter]').fill('');
  await page.locator('[data-columns]').click();
  await until('each label has a column', async () => (await page.locator('.results th').allInnerTexts()).join(' ').startsWith('__name__ cpu'));
});

test('a series is shown alone, and all again', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await opened(t, browser, server, { queries: ['vector(5)', 'vector(900)'] });
  const buttons = page.locator('.explore-panel .legend dt button');
  await until('both are in the legend', async () => (await buttons.count()) === 2);
  await buttons.first().click();
  assert.equal(await buttons.first().getAttribute('aria-pressed'), 'true');
  assert.equal(await page.locator('.legend .is-out').count(), 1);
  await buttons.first().click();
  assert.equal(await page.locator('.legend .is-out').count(), 0);
});

test('a panel and a rule made here pass watchroom check', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  const browser = await browserFor(t);
  const page = await opened(t, browser, server, { queries: [`sum by (job) (rate(watchroom_samples_total{job=~'watch.*', instance!="a\\\\b"}[1m]))`, 'up'] });
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const copied = async () => {
    await page.locator('#make [type="submit"]').click();
    await until('it is copied', async () => (await page.locator('#make [type="submit"]').innerText()).includes('Copied'));
    return page.evaluate(() => navigator.clipboard.readText());
  };
  await page.locator('[data-panel-make]').click();
  await page.locator('#make-title-field').fill('Samples "in" \\ all');
  await page.locator('#make-unit').fill('/s');
  const panel = await copied();
  await page.keyboard.press('Escape');
  const rule = page.locator('.query').first().locator('.query-tools button').first();
  await rule.click();
  await page.locator('#make-limit').fill('many');
  assert.ok(await page.locator('#make .problem').isVisible());
  assert.ok(await page.locator('#make [type="submit"]').isDisabled());
  await page.locator('#make-limit').fill('80.5');
  await page.locator('#make-severity').selectOption('critical');
  const alert = await copied();
  await page.keyboard.press('Escape');
  await until('the focus is back', () => rule.evaluate(button => button === document.activeElement));

  const directory = await mkdtemp(join(tmpdir(), 'watchroom-make-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await mkdir(join(directory, 'dashboards'));
  await writeFile(join(directory, 'dashboards', 'made.toml'), `title = "Made"\n${panel}`);
  await writeFile(join(directory, 'alerts.toml'), alert);
  const check = await promisify(execFile)(process.env.WATCHROOM_BIN, ['check', '--explain', '--config', directory]).catch(error => error);
  assert.equal(check.code ?? 0, 0, `${check.stdout}${check.stderr}\n${panel}\n${alert}`);
  assert.match(`${check.stdout}${check.stderr}`, /80\.5/);
});

test('metrics are searched, counted, and written into the query', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  pushing(t, server.url, { cellar_humidity: 1 }, { wall: 'west' });
  const browser = await browserFor(t);
  await until('it is there', async () => (await (await fetch(`${server.url}/api/v1/query?query=cellar_humidity`)).text()).includes('west'));
  const page = await opened(t, browser, server, { queries: ['1 + '] });
  await page.locator('[data-metrics]').click();
  await page.locator('[data-metric-search]').fill('cehum');
  const entry = page.locator('.metric-list li', { hasText: 'cellar_humidity' });
  await until('it is found by some letters', () => entry.isVisible());
  await until('and counted', async () => /1 series/.test(await entry.innerText()));
  await page.locator('.editor').click();
  await page.keyboard.press('End');
  await entry.locator('button').click();
  await until('it is written where the cursor was', async () => (await editorText(page)) === '1 + cellar_humidity');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await until('the pane closes', () => page.locator('#metrics').isHidden());
});

test('what of the store is largest and new is told, and leads into the query', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  pushing(t, server.url, { fresh_metric: 1 });
  const browser = await browserFor(t);
  await until('it is there', async () => (await (await fetch(`${server.url}/api/v1/query?query=fresh_metric`)).text()).includes('fresh_metric'));
  const page = await opened(t, browser, server);
  await page.locator('[data-metrics]').click();
  await until('what is new is counted', async () => /[1-9][^,]* series in memory, [1-9].* new in the last hour/.test(await page.locator('[data-churn]').innerText()));
  const [metrics, labels] = [page.locator('.metric-tops ul').first(), page.locator('.metric-tops ul').last()];
  assert.equal(await metrics.locator('li').count(), 10);
  const counts = (await metrics.locator('.metric-count').allInnerTexts()).map(words => parseInt(words, 10));
  assert.deepEqual(counts, counts.toSorted((a, b) => b - a), 'the largest comes first');
  assert.match(await labels.innerText(), /__name__\s+\d+ values/);
  await labels.locator('button', { hasText: 'job' }).click();
  await page.keyboard.press('Control+Enter');
  await page.locator('#tab-table').click();
  await until('its values are listed', async () => (await rows(page)).some(row => row.includes('job="node"')));
});

test('a name of many is text, and the page needs script', { timeout: 120_000 }, async t => {
  const server = await ownServer(t);
  pushing(t, server.url, { evil: 1 }, { what: '<img src=x onerror=alert(1)>' });
  const browser = await browserFor(t);
  await until('it is there', async () => (await (await fetch(`${server.url}/api/v1/query?query=evil`)).text()).includes('onerror'));
  const page = await opened(t, browser, server, { queries: ['evil', '<img src=x onerror=alert(2)>'] });
  await until('it is in the legend', async () => (await page.locator('.explore-panel .legend').innerText()).includes('<img'));
  assert.equal(await page.locator('main img').count(), 0);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const bare = await context.newPage();
  await bare.goto(`${server.url}/explore`);
  assert.match(await bare.locator('noscript').innerText(), /written by script/);
});

/** Gives what axe finds serious or critical, in one line each. */
async function axeFinds(page, source) {
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { violations, passes } = await window.axe.run(document, { resultTypes: ['violations'] });
    if (passes.length < 20) return [`axe looked at little: ${passes.length} rules`];
    // The list of completions is scrolled by the arrows of its editor, which has the focus; axe looks for that at a combobox alone.
    const isList = (one, node) => one.id === 'scrollable-region-focusable' && node.target.flat().some(part => part.startsWith('#cm-ac-'));
    return violations.filter(one => ['serious', 'critical'].includes(one.impact)).flatMap(one => {
      const nodes = one.nodes.filter(node => !isList(one, node));
      return nodes.length === 0 ? [] : [`${one.id}: ${nodes.map(node => node.target.join(' ')).join(', ')}`];
    });
  });
}

for (const [size, options] of [['desktop', DESK], ['phone', PHONE]]) {
  for (const colorScheme of ['dark', 'light']) {
    test(`it looks right and axe finds nothing: ${size}, ${colorScheme}`, { timeout: 120_000 }, async t => {
      await mkdir(FOLDER, { recursive: true });
      const server = await ownServer(t);
      const browser = await browserFor(t);
      const source = await readFile(AXE, 'utf8');
      const page = await opened(t, browser, server, { queries: ['rate(node_cpu_seconds_total[5s])', 'node_load1 +* 2'], ...options, colorScheme });
      await until('it has drawn a little', async () => (await drawn(page)).some(one => one.v.filter(v => v === v).length > 8), 30_000);
      const looked = async name => {
        await page.screenshot({ path: join(FOLDER, `explore-${name}-${size}-${colorScheme}.png`), fullPage: size === 'phone' });
        assert.deepEqual(await axeFinds(page, source), [], name);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${name} is ${wide} px wider than the screen`);
      };
      await looked('graph');
      await page.locator('#tab-table').click();
      await until('rows are there', async () => (await rows(page)).length > 3);
      await looked('table');
      await page.locator('[data-panel-make]').click();
      await looked('panel');
      await page.keyboard.press('Escape');
      await typed(page, 'node_lo', 1);
      await completed(page, 'node_load1');
      await looked('completion');
      await page.keyboard.press('Escape');
      await page.locator('[data-metrics]').click();
      await until('metrics are listed', async () => (await page.locator('.metric-list li').count()) > 10);
      await looked('metrics');
      t.diagnostic(FOLDER);
    });
  }
}
