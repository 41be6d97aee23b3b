import assert from 'node:assert/strict';
import { test } from 'node:test';
import { iconOf, titleWith } from '../src/alerts/beacon';
import { LastEnds } from '../src/alerts/lastends';
import { Newsreader } from '../src/alerts/news';
import { lastedWords, pastSentence } from '../src/alerts/past';
import { ruleSentence } from '../src/alerts/rulepane';
import { piecesOf } from '../src/alerts/prose';
import { filterCounts, inOrder, isReplaced, passes, rowsOf, ruleInHash, worstFiring, type RuleRow } from '../src/alerts/rulerows';
import { safeHref } from '../src/alerts/ruletext';
import { changedWords, goesTo, ruleLimit, ruleMark } from '../src/alerts/rulewords';
import { Trends, worstOf } from '../src/alerts/trends';
import { markOf, measuredWords, minute, moment } from '../src/alerts/words';
import { actFor } from '../src/page/keys';
import { Person, type Introduced } from '../src/page/person';
import { textsOf } from '../src/texts/texts';
import { alertOf, type AlertView } from '../src/wire/alert';
import { parseBlock } from '../src/wire/block';
import { ruleOf, type RuleView } from '../src/wire/rule';

const texts = textsOf('en');
const NOW = new Date(2026, 10, 21, 12, 0, 0).getTime();

function rule(id: string, more: object = {}): RuleView {
  const parsed = ruleOf({ id, name: `rule ${id}`, expr: 'm', limits: [{ severity: 'warning', op: 'above', value: 80 }, { severity: 'critical', op: 'above', value: 95 }], for: 60_000, rooms: ['host', 'gone'], unit: '%', state: 'ok', changed: null, line: 1, ...more });
  assert.ok(parsed);
  return parsed;
}

function alert(id: string, of: string, more: object = {}): AlertView {
  const parsed = alertOf({ id, rule: of, name: 'x', severity: 'warning', state: 'firing', labels: {}, where: {}, value: 90, limit: { op: 'above', value: 80 }, unit: '%', for: 60_000, since: NOW - 266_000, fired: NOW - 206_000, silences: [], ...more });
  assert.ok(parsed);
  return parsed;
}

function rowOf(of: RuleView, ...alerts: AlertView[]): RuleRow {
  const [row] = rowsOf([of], alerts);
  assert.ok(row);
  return row;
}

test('title and icon say what fires, by the shape of the worst', () => {
  assert.equal(titleWith('host · watchroom', { critical: 0, warning: 0, pending: 3 }), 'host · watchroom');
  assert.equal(titleWith('host', { critical: 0, warning: 2, pending: 0 }), '▲ 2 · host');
  assert.equal(titleWith('host', { critical: 1, warning: 1, pending: 0 }), '🛑 2 · host');
  assert.deepEqual([0, 1].map(critical => iconOf({ critical, warning: 1, pending: 0 })), ['/assets/icon-warning.svg', '/assets/icon-critical.svg']);
  assert.equal(iconOf({ critical: 0, warning: 0, pending: 0 }), '/assets/icon.svg');
});

test('news is told once, and not what stood when the page opened', () => {
  const news = new Newsreader();
  const ids = (alerts: readonly AlertView[]): string[] => alerts.map(one => one.id);
  assert.deepEqual(news.read([alert('a', 'r')]).fired, []);
  assert.deepEqual(ids(news.read([alert('a', 'r'), alert('b', 'r'), alert('c', 'r', { silences: ['s'] })]).fired), ['b']);
  assert.deepEqual(ids(news.read([alert('a', 'r'), alert('b', 'r')]).fired), []);
  const over = alert('a', 'r', { state: 'resolved', resolved: NOW });
  assert.deepEqual(ids(news.read([over]).resolved), ['a']);
  assert.deepEqual(ids(news.read([over]).resolved), []);
  assert.deepEqual(ids(news.read([alert('a', 'r', { fired: NOW + 1 })]).fired), ['a']);
});

test('rows know their kind, their order and their filter', () => {
  const rules = [rule('1', { line: 9 }), rule('2', { line: 2 }), rule('3', { line: 3 }), rule('4', { line: 4, state: 'nodata' }), rule('5', { line: 5, state: 'error' }), rule('6', { line: 6 }), rule('7', { line: 1 })];
  const rows = rowsOf(rules, [
    alert('a', '1', { severity: 'critical' }), alert('a2', '1', { inhibited: true }), alert('b', '2', { silences: ['s'] }), alert('c', '3', { state: 'pending', fired: null }),
    alert('d', '6'), alert('e', '7', { state: 'resolved' }),
  ]);
  assert.deepEqual(rows.map(row => row.kind), ['firing', 'silenced', 'pending', 'nodata', 'error', 'firing', 'ok']);
  assert.deepEqual(inOrder(rows).map(row => row.rule.id), ['1', '6', '3', '5', '4', '2', '7']);
  assert.deepEqual([...filterCounts(rows)], [['all', 7], ['firing', 2], ['pending', 1], ['error', 1], ['nodata', 1], ['silenced', 1]]);
  assert.deepEqual(rowsOf([rule('8')], [alert('i', '8', { inhibited: true })]).map(row => row.kind), ['ok']);
  assert.equal(worstFiring(rows), 'critical');
  assert.equal(worstFiring(rows.slice(1)), 'warning');
  assert.equal(worstFiring([]), null);
  assert.ok(rows[1] && passes(rows[1], 'silenced') && !passes(rows[1], 'firing'));
});

test('a file is replaced when no rule stands as it did', () => {
  const rows = rowsOf([rule('1', { text: 'b' }), rule('2', { text: 'c' })], []);
  assert.ok(isReplaced([rule('1', { text: 'a' }), rule('3', { text: 'b' })], rows));
  assert.ok(!isReplaced([rule('1', { text: 'b' })], rows));
  assert.ok(!isReplaced([], rows));
});

test('a row says its state, the limit of what fires, and its last change', () => {
  const none = new Map();
  const fires = rowOf(rule('1'), alert('a', '1', { severity: 'critical' }));
  assert.deepEqual(ruleMark(fires, NOW, texts), { glyph: 'g-critical', tone: 'is-critical', solid: true, words: 'firing' });
  assert.equal(ruleLimit(fires, texts), 'over 95\u00a0%, 1\u00a0m');
  assert.equal(ruleLimit(rowOf(rule('1')), texts), 'over 80\u00a0%, 1\u00a0m');
  assert.deepEqual(changedWords(fires, none, NOW, texts), ['11:56:34', '3\u00a0m 26\u00a0s ago']);
  assert.deepEqual(changedWords(rowOf(rule('1')), none, NOW, texts), ['never', '']);
  assert.deepEqual(changedWords(rowOf(rule('1', { changed: NOW - 3 * 86_400_000 })), none, NOW, texts), ['18\u00a0Nov', '']);
  const waits = rowOf(rule('1', { changed: NOW - 41_000 }), alert('a', '1', { state: 'pending', fired: null, since: NOW - 41_000 }));
  assert.deepEqual(changedWords(waits, none, NOW, texts), ['11:59:19', 'fires at 12:00:19']);
  assert.equal(goesTo(rule('1'), new Map([['host', 'This machine']]), texts), 'This machine, gone');
  assert.equal(goesTo(rule('1', { rooms: [] }), new Map(), texts), 'no room');
});

test('a sentence says how a rule stands', () => {
  const acked = { ack: { by: { id: '1', name: 'Olena' }, at: 1, reason: '' } };
  assert.equal(ruleSentence(rowOf(rule('1'), alert('a', '1')), NOW, texts), 'Firing for 3\u00a0m 26\u00a0s. Nobody has acked it.');
  assert.equal(ruleSentence(rowOf(rule('1'), alert('a', '1', acked)), NOW, texts), 'Firing for 3\u00a0m 26\u00a0s. Acked by Olena.');
  assert.equal(ruleSentence(rowOf(rule('1'), alert('a', '1'), alert('b', '1')), NOW, texts), '2 alerts are firing, the first for 3\u00a0m 26\u00a0s.');
  assert.equal(ruleSentence(rowOf(rule('1', { state: 'error', error: 'line 1: no' })), NOW, texts), 'line 1: no');
  assert.equal(ruleSentence(rowOf(rule('1')), NOW, texts), 'It has not fired yet.');
});

test('the past says how often, and how it went', () => {
  const over = alert('a', '1', { state: 'resolved', resolved: NOW - 200_000 });
  assert.equal(pastSentence([], false, texts), null);
  assert.equal(pastSentence([over, over], false, texts), 'Fired 2 times in 30 days. The last time lasted 6\u00a0s.');
  assert.equal(pastSentence([over], true, texts), 'Fired 1 times or more in 30 days. The last time lasted 6\u00a0s.');
  assert.equal(pastSentence([alert('a', '1')], false, texts), 'Fired once in 30 days. It fires now.');
  assert.equal(lastedWords(over, texts), 'lasted 6\u00a0s');
  assert.equal(lastedWords(alert('a', '1', { state: 'cleared', fired: null }), texts), 'did not fire');
  const cut = alert('a', '1', { state: 'resolved', resolved: NOW - 200_000, nodata: true, edited: true, value: 'NaN' });
  assert.equal(lastedWords(cut, texts), 'no data, lasted 6\u00a0s, until its rule was changed');
  assert.equal(markOf(cut, NOW, null, texts).words, 'ended, its rule was changed');
  assert.equal(measuredWords(cut, Number.NaN, texts), 'no data');
});

test('a rule without a last change has that of its past', async () => {
  let told = 0;
  const asked: string[] = [];
  const ends = new LastEnds(method => {
    asked.push(method);
    return Promise.resolve({ episodes: [{ id: 'a', rule: '1', state: 'resolved', since: 1, fired: 2, resolved: 300 }, { id: 'b', rule: '1', state: 'resolved', since: 1, fired: 2, resolved: 200 }] });
  }, () => NOW, () => told++);
  assert.equal(ends.fill(rule('1', { changed: 7 })).changed, 7);
  assert.deepEqual(asked, []);
  assert.equal(ends.fill(rule('1')).changed, null);
  await new Promise(done => setTimeout(done));
  assert.equal(ends.fill(rule('1')).changed, 300);
  assert.equal(ends.fill(rule('2')).changed, null);
  assert.deepEqual([told, asked], [1, ['episodes']]);
});

test('texts of rules have templates and code', () => {
  assert.deepEqual(piecesOf('{{ labels.device }} is {{ value | round(1) }} % full: `du -xh {{ labels.mountpoint }}`, {{ $value }}'), [
    { kind: 'template', text: '{{ labels.device }}' }, { kind: 'text', text: ' is ' }, { kind: 'template', text: '{{ value | round(1) }}' }, { kind: 'text', text: ' % full: ' },
    { kind: 'code', text: 'du -xh {{ labels.mountpoint }}' }, { kind: 'text', text: ', ' }, { kind: 'template', text: '{{ $value }}' },
  ]);
  assert.deepEqual(piecesOf('{{ printf "%.1f"\n $value }}'), [{ kind: 'template', text: '{{ printf "%.1f"\n $value }}' }]);
  assert.deepEqual(piecesOf('a ` b {{ c'), [{ kind: 'text', text: 'a ` b {{ c' }]);
  assert.deepEqual(piecesOf(''), []);
});

test('links go to pages alone', () => {
  for (const good of ['https://example.org/a', 'http://wiki/x', '/runbooks/io']) assert.equal(safeHref(good), good);
  for (const bad of ['javascript:alert(1)', ' javascript:alert(1)', 'data:text/html,x', '//example.org', 'runbook', '']) assert.equal(safeHref(bad), null, bad);
});

test('the address names a rule', () => {
  assert.equal(ruleInHash('#rule=a%20b'), 'a b');
  for (const other of ['', '#rules', '#rule=', '#rule=%']) assert.equal(ruleInHash(other), null);
});

test('moments are short today, and dated otherwise', () => {
  assert.equal(moment(NOW - 60_000, NOW, texts), '11:59:00');
  assert.equal(minute(NOW - 60_000, NOW, texts), '11:59');
  assert.equal(minute(NOW + 86_400_000, NOW, texts), '22\u00a0Nov 12:00');
});

test('a day holds the worst of all series, and is asked for one rule after the other', async () => {
  const block = parseBlock({ step: 10, series: [{}, {}], t: [100, 110, 130], v: [[1, 5, 'NaN'], [3, 2, 4]] });
  assert.ok(block);
  assert.deepEqual(worstOf(block, 100, 130, false), [3, 5, Number.NaN, 4]);
  assert.deepEqual(worstOf(block, 100, 130, true), [1, 2, Number.NaN, 4]);
  const asked: string[] = [];
  const arrived: string[] = [];
  const trends = new Trends((_method, request) => {
    asked.push(JSON.stringify(request));
    return Promise.reject(new Error('refused'));
  }, () => NOW, id => arrived.push(id));
  assert.equal(trends.of(rule('1'), false), null);
  trends.of(rule('1'), true);
  trends.of(rule('1'), true);
  trends.of(rule('2'), true);
  for (let i = 0; i < 100 && arrived.length < 2; i++) await new Promise(done => setTimeout(done, 20));
  assert.equal(asked.length, 2);
  assert.deepEqual(arrived, ['1', '2']);
  assert.ok(trends.of(rule('1'), true)?.every(value => Number.isNaN(value)));
  trends.stop();
});

test('keys of alerts do nothing where a page has none', () => {
  const done: string[] = [];
  const acts = { find: () => undefined, help: () => undefined };
  for (const key of ['n', 'a', 's']) assert.equal(actFor(key, false, acts), null);
  const all = { ...acts, next: () => done.push('n'), ack: () => done.push('a'), silence: () => done.push('s') };
  for (const key of ['n', 'a', 's']) actFor(key, false, all)?.();
  assert.deepEqual(done, ['n', 'a', 's']);
});

test('a name is told to the server before it is kept', async () => {
  const sent: unknown[] = [];
  let state = { kind: 'joining' };
  const link: Introduced = {
    client: { setData: data => sent.push(data) }, get state() { return state; },
    call: (method, request) => { sent.push([method, request]); return Promise.resolve(request); },
  };
  const person = new Person(texts);
  person.introduce(link);
  assert.equal(person.current(), null);
  await assert.rejects(person.take('Olena'), /Not connected/);
  state = { kind: 'live' };
  await assert.rejects(person.take('  '), /one letter/);
  const known = await person.take(' Olena ');
  assert.equal(known.name, 'Olena');
  assert.match(known.id, /^[0-9a-f]{16}$/);
  assert.deepEqual(sent, [['introduce', known], { person: known }]);
  assert.deepEqual((await person.take('Olena T')).id, known.id);
  assert.equal(person.current()?.name, 'Olena T');
});
