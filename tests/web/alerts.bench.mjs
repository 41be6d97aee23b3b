// How long a sample that crosses a limit takes, from the push on, to the alert on the socket and to its card on the page;
// and what the rules cost. 200 rules over 2,000 series, all of them pushed once a second.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { bar, distribution, exactNow, histogram, percentile, sleep } from './figures.mjs';
import { socketFor } from './socket.mjs';
import { browserFor, ownServer, pageFor, roomUrl, until } from './support.mjs';

const RULES = 200;
const SERIES_OF_RULE = 10;
const SECONDS = Number(process.env.WATCHROOM_BENCH_SECONDS ?? 60);
const PLAIN_SECONDS = 20;
/** Series that cross the limit in each second; as many return, ten seconds after they crossed. */
const CROSSING = 5;
const UP_SECONDS = 10;
const [WELL, LIMIT, HIGH] = [40, 80, 95];
/** The bars: in 99 of 100 cases, ms; and a share of a core. */
const SOCKET_P99_MAX_MS = 30;
const PAGE_P99_MAX_MS = 100;
const SHARE_MAX = 0.05;
/** Of a processor's second, in /proc. */
const TICKS = 100;
const STEP = 1_000;

const nameOf = rule => `bench_${String(rule).padStart(3, '0')}`;
const rulesText = Array.from({ length: RULES }, (_, i) => `[[rule]]\nname = "${nameOf(i)}"\nmetric = "${nameOf(i)}"\nabove = ${LIMIT}\nrooms = ["host"]\n`).join('\n');

/** Gives the same numbers below `most` in each run. */
function sequence(most) {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

async function push(url, body) {
  const reply = await fetch(`${url}/api/v1/import/prometheus`, { method: 'POST', body });
  assert.equal(reply.status, 200, await reply.text());
}

const bodyOf = values => values.map((value, i) => `${nameOf(Math.floor(i / SERIES_OF_RULE))}{n="${i % SERIES_OF_RULE}"} ${value}\n`).join('');

/** The processor time of a process, s. */
async function processSeconds(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** What the engine itself says that evaluations took, s. */
async function engineSeconds(url) {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const found = lines.filter(line => /^watchroom_rule_evaluation_microseconds_total[ {]/.test(line));
  assert.ok(found.length > 0, 'the engine counts its time');
  return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0) / 1e6;
}

/** Runs in the page: notes when cards of alerts come into the page. */
function watchCards() {
  window.cards = [];
  new MutationObserver(changes => {
    const now = performance.timeOrigin + performance.now();
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node.id?.startsWith('alert-')) window.cards.push([node.id.slice('alert-'.length), now]);
  }).observe(document, { childList: true, subtree: true });
}

/** Pushes all series once a second for a while; gives the crossings, what came of them, and the time that it cost. */
async function run(t, rules, seconds) {
  const server = await ownServer(t, { rules });
  const { url } = server;
  const framed = [];
  const { ask } = await socketFor(t, url, (channel, data) => {
    const at = exactNow();
    for (const alert of (channel === '@alerts' ? data.alerts : null) ?? []) if (alert.state === 'firing') framed.push({ id: alert.id, key: `${alert.name} ${alert.where.n}`, at });
  });
  await ask({ subscribe: { channel: '@alerts' } });
  const values = Array.from({ length: RULES * SERIES_OF_RULE }, () => WELL);
  await push(url, bodyOf(values));
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  await page.addInitScript(watchCards);
  await page.goto(await roomUrl(url, 'host'));
  await until('the page is live', () => page.evaluate(() => window.watchroom.link().state === 'live'));
  for (let s = 0; s < 3; s++) {
    await sleep(STEP);
    await push(url, bodyOf(values));
  }

  const next = sequence(values.length);
  const crossings = [];
  const up = [];
  const costs = async () => [exactNow() / 1000, await processSeconds(server.pid), rules === '' ? 0 : await engineSeconds(url)];
  const before = await costs();
  const first = Math.ceil(Date.now() / STEP) + 1;
  for (let s = 0; s < seconds; s++) {
    if (up.length >= UP_SECONDS) for (const i of up.shift()) values[i] = WELL;
    const crossed = [];
    while (crossed.length < CROSSING) {
      const i = next();
      if (values[i] !== WELL) continue;
      values[i] = HIGH;
      crossed.push(i);
    }
    up.push(crossed);
    const body = bodyOf(values);
    // At instants that no clock of the server keeps to.
    await sleep((first + s) * STEP + ((s * 0.6180339887) % 1) * 900 - Date.now());
    const sent = exactNow();
    for (const i of crossed) crossings.push({ key: `${nameOf(Math.floor(i / SERIES_OF_RULE))} ${i % SERIES_OF_RULE}`, sent });
    await push(url, body);
  }
  const after = await costs();
  const [wall, used, engine] = after.map((value, i) => value - before[i]);
  await sleep(rules === '' ? 0 : 2 * STEP);
  const cards = await page.evaluate(() => window.cards);
  await page.context().close();
  await server.kill();
  return { crossings, framed, cards, process: used / wall, engine: engine / wall };
}

/** Gives how long each crossing took to the first of what came after it; fails when one never came. */
function delaysOf(what, crossings, cameOf) {
  const delays = crossings.map(one => {
    const came = cameOf(one);
    return came === undefined ? null : came - one.sent;
  });
  assert.equal(delays.filter(delay => delay === null).length, 0, `crossings without ${what}, of ${crossings.length}`);
  return delays;
}

test('crossing to socket and page', { timeout: (SECONDS + PLAIN_SECONDS + 120) * 1_000 }, async t => {
  const { crossings, framed, cards, process: busy, engine } = await run(t, rulesText, SECONDS);
  const frameOf = one => framed.find(frame => frame.key === one.key && frame.at >= one.sent);
  const socket = delaysOf('a frame', crossings, one => frameOf(one)?.at);
  const shown = delaysOf('a card', crossings, one => cards.find(([id, at]) => id === frameOf(one)?.id && at >= one.sent)?.[1]);
  t.diagnostic(`${RULES} rules, ${RULES * SERIES_OF_RULE} series, ${SECONDS} s, ${CROSSING} cross and ${CROSSING} return each second; from before the push`);
  t.diagnostic(`to the alert on the socket: ${distribution(socket)}; ${bar(`p99 <= ${SOCKET_P99_MAX_MS} ms`, percentile(socket, 0.99), SOCKET_P99_MAX_MS)}`);
  t.diagnostic(histogram(socket));
  t.diagnostic(`to its card on the page: ${distribution(shown)}; ${bar(`p99 <= ${PAGE_P99_MAX_MS} ms`, percentile(shown, 0.99), PAGE_P99_MAX_MS)}`);
  t.diagnostic(histogram(shown));

  const plain = await run(t, '', PLAIN_SECONDS);
  const percent = share => `${(share * 100).toFixed(2)} %`;
  t.diagnostic(`the engine: ${percent(engine)} of a core; ${bar(`<= ${percent(SHARE_MAX)}`, engine, SHARE_MAX)}`);
  t.diagnostic(`the process: ${percent(busy)} with the rules, ${percent(plain.process)} without, ${percent(busy - plain.process)} between; ${bar(`<= ${percent(SHARE_MAX)}`, busy - plain.process, SHARE_MAX)}`);
});
