import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBoot } from '../src/boot';
import { distinctNames, legendName, lined, oneLine, Palette, seriesOrder } from '../src/data/names';
import { pieces } from '../src/page/panelmore';
import { highestOf } from '../src/panels/highest';
import { metricOf, rateWindow } from '../src/panels/words';
import { find } from '../src/page/finder';
import { actFor } from '../src/page/keys';
import { statParts } from '../src/panels/statpanel';
import { en } from '../src/texts/en';
import { labels } from '../src/wire/parse';
import { sorted } from '../src/wire/top';

const label = (words: Record<string, string>): ReadonlyMap<string, string> => labels(words);

test('texts of several lines are one line, or keep them', () => {
  assert.equal(oneLine(' a\n  and\tb \u202e'), 'a and b \\u{202e}');
  assert.equal(lined('a\r\n\tb\u202e\n'), 'a\n\tb\\u{202e}\n');
});

test('a legend is filled with labels', () => {
  assert.equal(legendName('{{device}} {{ mode }}', label({ device: 'sda', mode: 'rw' })), 'sda rw');
  assert.equal(legendName('read', label({ device: 'sda' })), 'read');
  assert.equal(legendName('{{none}}', label({})), '');
  assert.equal(legendName('', label({ __name__: 'm', job: 'node', desk: 'taras' })), 'taras');
  assert.equal(legendName('', label({ __name__: 'm', a: '1', b: '2' })), 'a 1, b 2');
  assert.equal(legendName('', label({ __name__: 'm', instance: 'x' })), 'm');
});

test('what cannot be seen, or turns the text around, is written as its number', () => {
  assert.equal(legendName('', label({ name: '\u202elive\u0007' })), '\\u{202e}live\\u{7}');
  assert.equal(legendName('{{name}}', label({ name: 'жé' })), 'жé');
});

test('series that would be called the same get their labels', () => {
  const sets = [label({ a: 'x', job: 'p' }), label({ b: 'x', job: 'p' })];
  assert.deepEqual(distinctNames(['x', 'x'], sets), ['a x', 'b x']);
  assert.deepEqual(distinctNames(['x', 'x'], [label({ a: 'x', job: 'p' }), label({ a: 'x', job: 'q' })]), ['a x, job p', 'a x, job q']);
  assert.deepEqual(distinctNames(['x', 'y'], sets), ['x', 'y']);
});

test('buckets stand in the order of their limits, other series as they came', () => {
  const buckets = ['+Inf', '0.5', '10', '2.5'].map(le => label({ le }));
  assert.deepEqual(seriesOrder(buckets), [1, 3, 2, 0]);
  assert.deepEqual(seriesOrder([label({ le: 'x' }), label({ le: '1' })]), [0, 1]);
});

test('an empty panel names the metric that was asked for', () => {
  assert.equal(metricOf('{__name__="orders_total", job="push"}'), 'orders_total');
  assert.equal(metricOf('rate({__name__="a\\"b", job="push"}[1m])'), 'a"b');
  assert.equal(metricOf('sum by (place) (watchroom_store_bytes{job="watchroom"})'), 'watchroom_store_bytes');
  assert.equal(metricOf('up'), 'up');
  assert.equal(rateWindow('rate({__name__="x"}[1m])'), '1m');
  assert.equal(rateWindow('{__name__="x"}'), null);
});

test('an expression breaks between its parts, never inside a word', () => {
  const expr = 'rate(node_cpu_seconds_total{mode="idle",cpu="0"}[5s])';
  assert.equal(pieces(expr).join(''), expr);
  assert.deepEqual(pieces(expr).map(piece => piece.slice(-1)), ['(', '{', ',', '[', ')']);
});

test('the highest of a query that matches too much are asked for in each step', async () => {
  const [panel] = parseBoot(JSON.stringify({ panels: [{ id: 'm', queries: [{ expr: 'a[5s]', channels: { 1000: '@live:a', 30000: '@live:b' }, exprs: { 30000: 'a[30s]' } }, { expr: 'b' }] }] })).panels;
  assert.ok(panel);
  const asked: string[] = [];
  const [one, other] = await highestOf(panel.queries, [88, 0], (expr, step) => { asked.push(`${step} ${expr}`); return Promise.resolve(`@live:${step}`); });
  assert.deepEqual(asked, ['1000 topk(50, a[5s])', '30000 topk(50, a[30s])']);
  assert.equal(one?.channels.get(30_000), '@live:30000');
  assert.equal(one?.exprs.get(30_000), 'topk(50, a[30s])');
  assert.equal(other, panel.queries[1]);
});

test('labels named like parts of an object are plain labels', () => {
  const strange = labels(JSON.parse('{"__proto__":"a","constructor":"b"}'));
  assert.equal(legendName('{{__proto__}}{{constructor}}{{toString}}', strange), 'ab');
});

test('a series keeps its colour; those that a query asked for are not given twice', () => {
  const palette = new Palette([2, 1]);
  assert.equal(palette.of('a', 2), 2);
  assert.equal(palette.of('b', null), 3);
  assert.equal(palette.of('c', 1), 1);
  assert.equal(palette.of('d', null), 4);
  assert.equal(palette.of('b', null), 3);
  const all = new Palette();
  assert.deepEqual(Array.from({ length: 9 }, (_, i) => all.of(`${i}`, null)), [1, 2, 3, 4, 5, 6, 7, 8, 1]);
});

test('boot JSON is parsed at the edge', () => {
  const boot = parseBoot(JSON.stringify({
    room: { id: 'host', title: 'This machine', href: '/rooms/host' }, range: '1h',
    panels: [{ id: 'cpu', kind: 'stack', limit: { at: 16, label: 'cores' }, queries: [{ expr: 'x', color: 3, channels: { 1000: '@live:a' } }] }, { id: 'odd', kind: 'pie' }, 7],
  }));
  assert.equal(boot.ranges[boot.range]?.id, '1h');
  assert.equal(boot.panels.length, 1);
  assert.equal(boot.panels[0]?.queries[0]?.channels.get(1000), '@live:a');
  assert.equal(boot.panels[0]?.scale, 1);
  assert.deepEqual(boot.panels[0]?.limit, { at: 16, label: 'cores' });
});

test('stats: units, lengths of time, and a second value beside', () => {
  const panel = (unit: string) => parseBoot(JSON.stringify({ panels: [{ id: 's', kind: 'stat', unit, decimals: 0, queries: [{ expr: 'a' }, { expr: 'b', legend: 'blocked' }] }] })).panels[0];
  const plain = panel('');
  const long = panel('duration');
  assert.ok(plain && long);
  assert.deepEqual(statParts(plain, 408, 9, en.units), [{ value: '408', unit: '9\u00a0blocked' }]);
  assert.deepEqual(statParts(long, 3_570_000, null, en.units), [{ value: '41', unit: 'd' }, { value: '7', unit: 'h' }]);
});

test('find: all words, beginnings first', () => {
  const panels = parseBoot(JSON.stringify({ panels: ['Disk wait', 'Open disk files', 'Load'].map(title => ({ id: title, title, kind: 'line' })) })).panels;
  assert.deepEqual(find('disk', panels, []).map(target => target.title), ['Disk wait', 'Open disk files']);
  assert.deepEqual(find('wait disk', panels, []).map(target => target.title), ['Disk wait']);
});

test('keys that a page has nothing for are not taken', () => {
  let by = 0;
  const acts = { find: () => undefined, help: () => undefined, crosshair: (n: number) => { by = n; } };
  actFor('ArrowLeft', true, acts)?.();
  assert.equal(by, -10);
  assert.equal(actFor('j', false, acts), null);
  assert.equal(actFor('q', false, acts), null);
});

test('processes are sorted by a column; unknown comes last', () => {
  const row = (pid: number, read: number) => ({ pid, name: '', args: '', user: '', cpu: 0, memory: 0, read, write: 0, state: '' });
  assert.deepEqual(sorted([row(1, Number.NaN), row(3, 5), row(2, 5)], 'read').map(one => one.pid), [2, 3, 1]);
});
