import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyWords, listenWords } from '../src/server/channelpane';
import { willWords } from '../src/server/disconnect';
import { FIGURES } from '../src/server/figures';
import { Fleet } from '../src/server/fleet';
import { preview, pretty, SHOWN_MAX } from '../src/server/historylist';
import { footOf, limitAfter, nearest, orderOf } from '../src/server/listing';
import { factsOf, stateOf } from '../src/server/nodebands';
import { channelHash, connectionHash, placeOf } from '../src/server/place';
import { publishedWords } from '../src/server/publishform';
import { Rates } from '../src/server/rates';
import { SLOT_MS, SLOTS, Trail } from '../src/server/trail';
import { bytes, bytesPerSecond, cost, kibi, namesOf, paceOf, perSecond, rateOf, shortClient, transportOf, whoOf } from '../src/server/words';
import { textsOf } from '../src/texts/texts';
import { channelsOf, channelViewOf, connectionsOf, fleetOf, publishedAtOf, type ConnectionView, type FleetView } from '../src/wire/server';

const texts = textsOf('en');
const NOW = new Date(2026, 10, 23, 3, 12, 46).getTime();
const spaced = (words: string): string => words.replaceAll('\u00a0', ' ');

function connection(more: object = {}): ConnectionView {
  const [row] = connectionsOf({ connections: [{ node: 'a', client: '0f3a9c21-77de', user: '42', transport: 'websocket', protocol: 'json', channels: ['news:1'], channels_total: 1, queue_bytes: 0, messages: 5, bytes: 900, since: NOW - 60_000, ...more }] })?.rows ?? [];
  assert.ok(row);
  return row;
}

function fleet(now: number, ...nodes: object[]): FleetView {
  const parsed = fleetOf({ node: 'a', now, nodes: nodes.map(node => ({ node: 'a', version: '0.2.0', uptime_s: 60, seen: now, connections: 2, ...node })) });
  assert.ok(parsed);
  return parsed;
}

test('answers are read as they are written, and what is none is null', () => {
  const read = connectionsOf({
    total: 1023, matching: 12, silent: ['b', 7],
    connections: [{ node: 'a', client: 'x', user: '', transport: 'sse', protocol: 'json', compressed: true, page: true, channels: ['room:host', 3], channels_total: 12, queue_bytes: 10, slowed: 4, messages: 1, bytes: 2, since: 3 }, 'no row'],
  });
  assert.deepEqual(read, {
    total: 1023, matching: 12, silent: ['b'],
    rows: [{ node: 'a', client: 'x', user: '', name: '', transport: 'sse', protocol: 'json', compressed: true, page: true, channels: ['room:host'], channelsTotal: 12, queueBytes: 10, slowed: 4, messages: 1, bytes: 2, since: 3 }],
  });
  assert.equal(connection().slowed, null);
  for (const none of [null, [], 'x', {}, { connections: {} }]) assert.equal(connectionsOf(none), null);
  for (const none of [null, { channels: 1 }]) assert.equal(channelsOf(none), null);
  for (const none of [null, { node: 'a' }]) assert.equal(fleetOf(none), null);
  assert.equal(channelViewOf([]), null);
  assert.deepEqual(channelsOf({ channels: [{ channel: 'news:1', own: false, subscribers: 12, nodes: 2, messages: 1234, kept: true }] })?.rows, [{ channel: 'news:1', own: false, subscribers: 12, nodes: 2, messages: 1234, kept: true }]);
  assert.deepEqual(publishedAtOf({ offset: 13, epoch: 'x' }), { offset: 13, epoch: 'x' });
  assert.equal(publishedAtOf({}), null);
});

test('data of a history may be of any kind, or bytes', () => {
  const newest = [{ offset: 3, data: { base64: 'AAEC' }, binary: true }, { offset: 2, data: null, time: 5, user: '42' }, { offset: 1, data: { base64: 'mine' } }];
  const view = channelViewOf({ channel: 'c', subscribers: 1, present: null, history: { offset: 3, epoch: 'e', newest } });
  assert.deepEqual(view?.history?.newest, [
    { offset: 3, data: 'AAEC', binary: true, time: null, user: '' }, { offset: 2, data: null, binary: false, time: 5, user: '42' },
    { offset: 1, data: { base64: 'mine' }, binary: false, time: null, user: '' },
  ]);
  assert.equal(channelViewOf({ channel: 'c', present: 3, history: null })?.history, null);
});

test('a rate is what was counted between answers, over a short window', () => {
  const rates = new Rates(2_000);
  rates.take('a', 0, [100, 0]);
  assert.equal(rates.of('a'), null);
  rates.take('a', 1_000, [150, 10]);
  assert.deepEqual(rates.of('a'), [50, 10]);
  rates.take('a', 1_000, [900, 900]);
  assert.deepEqual(rates.of('a'), [50, 10], 'the same answer again says nothing new');
  for (let i = 2; i < 6; i++) rates.take('a', i * 1_000, [150, 10 + i]);
  assert.deepEqual(rates.of('a'), [0, 1], 'what was before the window is forgotten');
});

test('a rate begins anew after a restart, a long pause and a clock that went back', () => {
  for (const [at, total, why] of [[1_000, 5, 'smaller'], [60_000, 200, 'long after'], [-1_000, 200, 'earlier']] as const) {
    const rates = new Rates(2_000);
    rates.take('a', 0, [100]);
    rates.take('a', at, [total]);
    assert.equal(rates.of('a'), null, why);
    rates.take('a', at + 1_000, [total + 7]);
    assert.deepEqual(rates.of('a'), [7], why);
  }
  const rates = new Rates(2_000);
  rates.take('a', 0, [1]);
  rates.take('a', 1_000, [2]);
  rates.keep(new Set(['b']));
  assert.equal(rates.of('a'), null);
});

test('figures are sums over the nodes that answer', () => {
  const nodes = new Fleet();
  const at = (now: number, factor: number): FleetView => fleet(now,
    { node: 'a', deliveries: 1_000 * factor, publications: 10 * factor, cpu_ms: 50 * factor, queue_bytes: 100, closed_slow: 1 },
    { node: 'b', deliveries: 3_000 * factor, publications: 10 * factor, cpu_ms: 50 * factor, queue_bytes: 28, closed_slow: factor });
  nodes.take(at(NOW, 1));
  assert.deepEqual(nodes.sums, { connections: 4, deliveries: null, publications: null, waiting: 128, closedSlow: 2, closing: null, cost: null });
  nodes.take(at(NOW + 1_000, 2));
  assert.deepEqual(nodes.sums, { connections: 4, deliveries: 4_000, publications: 20, waiting: 128, closedSlow: 3, closing: 1, cost: 25 });
  assert.deepEqual(nodes.nodes.map(node => [node.view.node, node.rates?.cpu, node.cost]), [['a', 0.05, 50], ['b', 0.05, 50 / 3]]);
  const said = FIGURES.map(figure => figure.parts(nodes.sums, texts).map(spaced).join(' ').trim());
  assert.deepEqual(said, ['4', '4 000 /s', '20.0 /s', '128 B', '3 in all', '25.0 µs']);
});

test('a node whose figures stand still is silent, and counts no more', () => {
  const nodes = new Fleet();
  const b = { node: 'b', seen: NOW };
  for (let s = 0; s < 8; s++) nodes.take(fleet(NOW + s * 1_000, { node: 'a' }, b));
  const [, silent] = nodes.nodes;
  assert.deepEqual([silent?.silentSince, silent?.gone, silent?.rates], [NOW, false, null]);
  assert.equal(nodes.sums.connections, 2);
  assert.ok(silent);
  assert.deepEqual(stateOf(silent, 'a', NOW + 41_000, texts), { glyph: 'g-none', words: 'silent for 41\u00a0s', old: true });
  nodes.take(fleet(NOW + 8_000, { node: 'a' }, { node: 'b', seen: NOW + 7_900 }));
  assert.equal(nodes.nodes[1]?.silentSince, null);
});

test('a node that was silent before the page was opened is so at once, one whose clock is behind is not', () => {
  const nodes = new Fleet();
  nodes.take(fleet(NOW, { node: 'a' }, { node: 'b', seen: NOW - 41_000 }, { node: 'c', seen: NOW - 8_000 }));
  assert.deepEqual(nodes.nodes.map(node => node.silentSince), [null, NOW - 41_000, null]);
});

test('a node that the others tell of no more is said to be gone, for an hour', () => {
  const nodes = new Fleet();
  nodes.take(fleet(NOW, { node: 'z' }, { node: 'a' }));
  assert.deepEqual(nodes.nodes.map(node => node.view.node), ['a', 'z'], 'the one that answers is first');
  nodes.take(fleet(NOW + 1_000, { node: 'a' }));
  const z = nodes.nodes[1];
  assert.ok(z?.gone);
  assert.match(stateOf(z, 'a', NOW + 61_000, texts).words, /^gone for 1.m 1.s: |^gone for 1.m: /);
  assert.equal(nodes.sums.connections, 2);
  nodes.take(fleet(NOW + 3_600_001, { node: 'a' }));
  assert.deepEqual(nodes.nodes.map(node => node.view.node), ['a']);
});

test('a node says its numbers with their units', () => {
  const nodes = new Fleet();
  nodes.take(fleet(NOW, { users: 1, channels: 9, subscriptions: 1_040, queue_bytes: 2_048, rss_bytes: 52e6, slowed: 1, steps_dropped: 7, signals_dropped: 1 }));
  const [node] = nodes.nodes;
  assert.ok(node);
  const facts = factsOf(node, texts);
  assert.deepEqual(Object.values(facts).map(([value, unit]) => spaced(`${value} ${unit}`).trim()), [
    '2 1 user', '9 1 040 subscriptions', '–', '–', '–', '2 KiB', '0', '1 time', '7 and 1 signal', '0', '52.0 MB', '–',
  ]);
  const bare = new Fleet();
  for (let s = 0; s < 2; s++) bare.take(fleet(NOW + s * 1_000, { deliveries: s * 10 }));
  const [untold] = bare.nodes;
  assert.ok(untold);
  const { cost, cpu, memory, deliveries } = factsOf(untold, texts);
  assert.deepEqual([cost[0], cpu[0], memory[0], spaced(deliveries.join(' '))], ['–', '–', '–', '10.0 /s'], 'where the system does not tell');
  assert.deepEqual(stateOf(node, 'a', NOW, texts).words, 'answers this page');
});

test('a trail holds a quarter of an hour, and takes what was before', () => {
  const trail = new Trail();
  const first = Math.floor(NOW / SLOT_MS) * SLOT_MS;
  trail.add(first, 5);
  trail.add(first + 1_000, 6);
  assert.deepEqual([trail.at(SLOTS - 1), trail.at(SLOTS - 2)], [6, Number.NaN]);
  trail.fill({ step: SLOT_MS, series: [new Map()], t: [first - SLOTS * SLOT_MS, first - 2 * SLOT_MS, first - SLOT_MS, first], v: [[9, 3, 4, 99]], more: 0, notes: [], table: 0 });
  assert.deepEqual([trail.at(SLOTS - 3), trail.at(SLOTS - 2), trail.at(SLOTS - 1), trail.at(0)], [3, 4, 6, Number.NaN]);
  trail.add(first + 3 * SLOT_MS, 7);
  assert.deepEqual([trail.at(SLOTS - 4), trail.at(SLOTS - 3), trail.at(SLOTS - 1)], [6, Number.NaN, 7], 'what was missed is empty');
  trail.add(first + 10 * SLOTS * SLOT_MS, 8);
  assert.ok(Array.from({ length: SLOTS - 1 }, (_, i) => trail.at(i)).every(Number.isNaN));
});

test('the address says what is open', () => {
  assert.deepEqual(placeOf(''), { tab: 'connections', open: null });
  assert.deepEqual(placeOf('#nodes'), { tab: 'nodes', open: null });
  assert.deepEqual(placeOf(connectionHash('a b')), { tab: 'connections', open: { kind: 'connection', id: 'a b' } });
  assert.deepEqual(placeOf(channelHash('news:ж#1')), { tab: 'channels', open: { kind: 'channel', id: 'news:ж#1' } });
  for (const other of ['#list', '#channel=', '#channel=%', '#constructor']) assert.equal(placeOf(other), null, other);
});

test('a list says how much of it is seen', () => {
  const rows = (n: number): unknown[] => Array.from({ length: n });
  const words = texts.server.list;
  const said = (total: number, matching: number, shown: number, search: string, limit: number): string => {
    const foot = footOf({ total, matching, rows: rows(shown) }, { search, sort: '', limit }, words.connections, words.matching, String);
    return `${foot.words} +${foot.more}${foot.unlisted ? ' unlisted' : ''}`;
  };
  assert.equal(said(12, 12, 12, '', 50), '12 connections +0');
  assert.equal(said(1, 1, 1, '', 50), '1 connection +0');
  assert.equal(said(10_000, 10_000, 50, '', 50), '50 of 10000 connections +50');
  assert.equal(said(120, 120, 100, '', 100), '100 of 120 connections +20');
  assert.equal(said(10_000, 10_000, 200, '', 200), '200 of 10000 connections +0 unlisted');
  assert.equal(said(10_000, 3, 3, 'olena', 50), '3 connections that match, 10000 in all +0');
  assert.deepEqual([limitAfter(50), limitAfter(100), limitAfter(200)], [100, 200, null]);
});

test('rows stand still while someone is at them, and the focus stays near', () => {
  assert.deepEqual(orderOf(['a', 'b'], ['b', 'c', 'a'], false), ['b', 'c', 'a']);
  assert.deepEqual(orderOf(['a', 'b'], ['b', 'c', 'a'], true), ['a', 'b']);
  assert.deepEqual(orderOf([], ['b'], true), ['b']);
  assert.equal(nearest(['a', 'b', 'c'], ['a', 'c'], 'b'), 'c');
  assert.equal(nearest(['a', 'b', 'c'], ['a', 'b'], 'c'), 'b');
  assert.equal(nearest(['a'], [], 'a'), null);
});

test('amounts are short', () => {
  assert.deepEqual([0, 640, 2_048, 12_700, 180_000, 262_144, 1_572_864].map(kibi).map(spaced), ['0', '640 B', '2 KiB', '12.4 KiB', '176 KiB', '256 KiB', '1.5 MiB']);
  assert.deepEqual([null, 0, 0.42, 41, 99.96, 1_234, 20_400].map(perSecond).map(spaced), ['–', '0', '0.4', '41.0', '100', '1 234', '20.4 k']);
  assert.deepEqual([rateOf(null, texts), rateOf(2, texts), bytesPerSecond(null, texts), bytesPerSecond(12_400.4, texts), bytes(0)].map(spaced), ['–', '2.0 /s', '–', '12.4 kB/s', '0 B']);
  assert.deepEqual([cost(null), cost(3.21), cost(2_500)], [['–', ''], ['3.2', 'µs'], ['2.5', 'ms']]);
});

test('a connection says who it is, how it comes, and how it keeps up', () => {
  assert.equal(whoOf(connection(), texts), '42');
  assert.equal(whoOf(connection({ name: 'Anna\u202e' }), texts), 'Anna\\u{202e}');
  assert.equal(whoOf(connection({ user: '' }), texts), 'anonymous');
  assert.equal(shortClient('0f3a9c21-77de'), '0f3a9c21');
  assert.equal(transportOf(connection({ transport: 'http_stream', protocol: 'protobuf', compressed: true }), texts), 'HTTP stream, Protobuf, compressed');
  assert.equal(transportOf(connection({ transport: 'pigeon\u0000', protocol: '' }), texts), 'pigeon\\u{0}');
  assert.equal(paceOf(connection(), texts), 'It keeps up: nothing waits for it.');
  assert.equal(spaced(paceOf(connection({ queue_bytes: 2_048, slowed: 4 }), texts)), 'It reads slowly, and gets 1 step of 4. 2 KiB wait for it.');
  assert.equal(namesOf(['a', 'b', 'c\u0007'], texts), 'a, b and c\\u{7}');
});

test('before a disconnect it is said whether it comes back', () => {
  assert.match(willWords(connection(), false, texts), /3503.*does not come back/);
  assert.match(willWords(connection({ page: true }), false, texts), /3503.*by itself within seconds/);
  assert.match(willWords(connection({ page: true }), true, texts), /that you are looking at/);
});

test('a channel says who listens and what is kept', () => {
  const view = channelViewOf({ channel: 'news:1', subscribers: 12, present: 3, history: { offset: 40, epoch: 'e', newest: [{ offset: 40, data: 1 }] } });
  const [row = null] = channelsOf({ channels: [{ channel: 'news:1', nodes: 2 }] })?.rows ?? [];
  assert.ok(view);
  assert.equal(listenWords(view, row, texts), '12 subscribers at 2 nodes.');
  assert.equal(listenWords({ ...view, subscribers: 1 }, null, texts), '1 subscriber.');
  assert.equal(listenWords({ ...view, subscribers: 0 }, row, texts), 'Nobody listens.');
  assert.equal(historyWords(view, texts), 'the newest 1, up to offset 40');
  assert.match(historyWords({ ...view, history: null }, texts), /keeps no history/);
  assert.match(historyWords({ ...view, history: { offset: 0, epoch: 'e', newest: [] } }, texts), /Nothing is kept/);
  assert.equal(spaced(publishedWords({ offset: 1_300, epoch: 'e' }, NOW, texts)), 'Published at 03:12:46, at offset 1 300.');
  assert.equal(publishedWords(null, NOW, texts), 'Published at 03:12:46.');
});

test('data is shown as it is, not as what it might do', () => {
  const one = { offset: 1, data: { a: ['<b>', '\u202e'] } as unknown, binary: false, time: null, user: '' };
  assert.equal(pretty(one, texts), '{\n  "a": [\n    "<b>",\n    "\\u{202e}"\n  ]\n}');
  assert.equal(preview(one), '{"a":["<b>","\\u{202e}"]}');
  assert.equal(pretty({ ...one, data: 'AAEC', binary: true }, texts), 'AAEC');
  const long = pretty({ ...one, data: 'x'.repeat(SHOWN_MAX + 10) }, texts);
  assert.match(spaced(long), /x\n… 12 more characters$/);
  assert.equal(preview({ ...one, data: 'x'.repeat(500) }).length, 161);
});
