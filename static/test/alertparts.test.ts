import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bandsOf } from '../src/alerts/bands';
import { Episodes } from '../src/alerts/episodes';
import { Gather } from '../src/alerts/gather';
import { countsOf, loudOf, meant, nextFiring, worstFirst } from '../src/alerts/rank';
import { endOf, heldBack, matchersOf, matches, silencedUntil, standing, UNTILS } from '../src/alerts/silencing';
import { amount, labelWords, limitFor, limitWords, markOf } from '../src/alerts/words';
import { textsOf } from '../src/texts/texts';
import { alertOf, limitOf, type AlertView } from '../src/wire/alert';
import { silenceOf, type SilenceView } from '../src/wire/rule';

const texts = textsOf('en');

function alert(id: string, more: object = {}): AlertView {
  const parsed = alertOf({
    id, rule: 'r1', name: 'Disk wait', severity: 'warning', state: 'firing', labels: { alertname: 'Disk wait', severity: 'warning', disk: 'sda', host: 'web-03' },
    where: { __name__: 'm', host: 'web-03', disk: 'sda' }, value: 61.3, limit: { op: 'above', value: 40 }, unit: '%', for: 60_000, since: 1_000_000,
    fired: 1_060_000, resolved: null, panels: { host: ['psi'] }, silences: [], ...more,
  });
  assert.ok(parsed);
  return parsed;
}

const acked = { ack: { by: { id: '1', name: 'Olena' }, at: 1, reason: '' } };

test('what is loud is neither acked, silenced nor outranked', () => {
  const all = [alert('a'), alert('b', acked), alert('c', { silences: ['s'] }), alert('d', { inhibited: true }), alert('e', { state: 'pending', fired: null }), alert('f', { severity: 'critical' }), alert('g', { state: 'resolved' })];
  assert.deepEqual(countsOf(all), { critical: 1, warning: 2, pending: 1 });
  assert.deepEqual(loudOf(all), { critical: 1, warning: 1, pending: 0 });
  assert.deepEqual(all.toSorted(worstFirst).map(one => one.id), ['f', 'a', 'b', 'c', 'd', 'e', 'g']);
});

test('the next that fires goes around, over silenced ones', () => {
  const all = [alert('a'), alert('b', { severity: 'critical' }), alert('c', { silences: ['s'] })];
  assert.equal(nextFiring(all, null)?.id, 'b');
  assert.equal(nextFiring(all, 'b')?.id, 'a');
  assert.equal(nextFiring(all, 'a')?.id, 'b');
  assert.equal(nextFiring([], 'a'), null);
});

test('a key means the chosen alert, or the only one', () => {
  const [a, b, p] = [alert('a'), alert('b'), alert('p', { state: 'pending', fired: null })];
  assert.equal(meant([a, b], null), null);
  assert.equal(meant([a, b], 'b')?.id, 'b');
  assert.equal(meant([a, p], null)?.id, 'a');
  assert.equal(meant([p], 'gone')?.id, 'p');
  assert.equal(meant([], 'gone'), null);
});

test('bands are pending, then firing, and do not cover each other', () => {
  const shape = (alerts: AlertView[], now: number, from = 0, to = 9e12): string[] => bandsOf(alerts, now, from, to).map(one => `${one.kind} ${one.severity} ${one.from}-${one.to}`);
  const live = alert('a', { since: 100, fired: 200 });
  assert.deepEqual(shape([live], 300), ['pending warning 100-200', 'firing warning 200-300']);
  assert.deepEqual(shape([live], 300, 150, 250), ['pending warning 150-200', 'firing warning 200-250']);
  assert.deepEqual(shape([alert('a', { since: 100, fired: 200, resolved: 220, state: 'resolved' })], 300), ['pending warning 100-200', 'firing warning 200-220']);
  assert.deepEqual(shape([alert('a', { since: 100, fired: null, resolved: 130, state: 'cleared' })], 300), ['pending warning 100-130']);
  assert.deepEqual(shape([alert('a', { since: 100, fired: null, resolved: null, state: 'cleared' })], 300), []);
  assert.deepEqual(shape([live, alert('b', { severity: 'critical', since: 150, fired: 220, resolved: 260, state: 'resolved' })], 300), [
    'pending warning 100-150', 'pending critical 150-200', 'firing warning 200-220', 'firing critical 220-260', 'firing warning 260-300',
  ]);
  assert.deepEqual(shape([live, alert('b', { since: 120, fired: 250 })], 300), ['pending warning 100-200', 'firing warning 200-300']);
  assert.deepEqual(shape([alert('b', { inhibited: true, since: 1, fired: 2 })], 300), []);
});

test('values and limits are written short', () => {
  assert.equal(amount(61.34, '%', texts), '61.3\u00a0%');
  assert.equal(amount(12_400, 'B', texts), '12.4\u00a0kB');
  assert.equal(amount(20_000, 'pages/s', texts), '20.0\u00a0k\u00a0pages/s');
  assert.equal(amount(12_500, 'ms', texts), '12.5\u00a0s');
  assert.equal(amount(1_240, '/s', texts), '1\u00a0240\u00a0/s');
  assert.equal(amount(0, '/s', texts), '0.00\u00a0/s');
  assert.equal(amount(12_400, '/s', texts), '12.4\u00a0k/s');
  assert.equal(amount(7_500, 's', texts), '2\u00a0h 5\u00a0m');
  assert.equal(amount(null, '%', texts), '–');
  assert.equal(amount(Number.NaN, '%', texts), '–');
  assert.equal(amount(231, '', texts), '231');
  const above = limitOf({ op: 'above', value: 40 });
  assert.equal(limitFor(above, '%', 60_000, texts), 'over 40\u00a0%, 1\u00a0m');
  assert.equal(limitFor(above, '%', 0, texts), 'over 40\u00a0%, at once');
  assert.equal(limitWords(limitOf({ op: 'outside', value: -0.5, high: 0.5 }), 's', texts), 'outside −0.5 to 0.500\u00a0s');
  assert.equal(limitWords(limitOf({ op: 'present' }), '', texts), 'when there is one');
  assert.equal(limitWords(limitOf({ op: '\u202e', value: 1 }), '', texts), '\\u{202e} 1');
  assert.deepEqual(labelWords(new Map([['__name__', 'm'], ['host', 'a\u0000b']])), ['host=a\\u{0}b']);
});

test('marks say the state by shape, colour and words', () => {
  const now = 1_266_000;
  assert.deepEqual(markOf(alert('a', { severity: 'critical' }), now, null, texts), { glyph: 'g-critical', tone: 'is-critical', solid: true, words: 'firing 3\u00a0m 26\u00a0s' });
  assert.deepEqual(markOf(alert('a', acked), now, null, texts), { glyph: 'g-warning', tone: 'is-warning', solid: false, words: 'acked by Olena' });
  assert.equal(markOf(alert('a', { silences: ['s'], ...acked }), now, null, texts).glyph, 'g-silenced');
  assert.equal(markOf(alert('a', { state: 'pending', fired: null, since: now - 41_000 }), now, null, texts).words, 'pending 41\u00a0s');
  assert.equal(markOf(alert('a', { state: 'resolved' }), now, null, texts).tone, 'text-2');
});

test('a silence means the rule and its series, and knows what it holds back', () => {
  const one = alert('a');
  assert.deepEqual(matchersOf(one).map(({ name, op, value }) => `${name}${op}${value}`), ['alertname=Disk wait', 'host=web-03', 'disk=sda']);
  assert.ok(matches(one, matchersOf(one)));
  assert.ok(!matches(one, []));
  assert.ok(matches(one, [{ name: 'disk', op: '=~', value: 'sd.' }, { name: 'gone', op: '=', value: '' }]));
  assert.ok(!matches(one, [{ name: 'disk', op: '=~', value: 's' }]));
  assert.ok(!matches(one, [{ name: 'disk', op: '=~', value: '(' }]));
  assert.equal(heldBack([one, alert('b', { state: 'resolved' }), alert('c', { severity: 'critical' })], matchersOf(one)), 2);
  const many = alert('m', { where: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [i === 0 ? 'job' : `l${i}`, 'x'])) });
  assert.equal(matchersOf(many).length, 8);
  assert.ok(!matchersOf(many).some(matcher => matcher.name === 'job'));
});

test('the morning is the next one', () => {
  const morning = UNTILS.find(until => until.kind === 'morning');
  assert.ok(morning);
  for (const hour of [0, 7, 8, 23]) {
    const now = new Date(2026, 10, 21, hour, 30).getTime();
    const end: Date = new Date(endOf(morning, now));
    assert.equal(end.getHours(), 8);
    assert.equal(end.getDate(), hour < 8 ? 21 : 22);
  }
});

test('silences in force, and when the last of an alert ends', () => {
  const make = (id: string, more: object): SilenceView => {
    const parsed = silenceOf({ id, matchers: [], start: 0, end: 100, by: { id: '1', name: 'Olena' }, reason: '', ended: null, ...more });
    assert.ok(parsed);
    return parsed;
  };
  const all = [make('a', { end: 300 }), make('b', { end: 200 }), make('c', { end: 50 }), make('d', { ended: 10 })];
  assert.deepEqual(standing(all, 60).map(one => one.id), ['b', 'a']);
  assert.equal(silencedUntil(alert('x', { silences: ['a', 'b', 'gone'] }), new Map(all.map(one => [one.id, one]))), 300);
});

test('episodes are asked for once, and further back when the range moves there', async () => {
  const asked: unknown[] = [];
  let more = false;
  let fails = false;
  let now = 10_000;
  const episodes = new Episodes((_method, request) => {
    asked.push(request);
    return fails ? Promise.reject(new Error('away')) : Promise.resolve({ episodes: [{ ...raw('e1', 9_000) }], more });
  }, () => undefined, () => now);
  const settle = async (): Promise<void> => { for (let i = 0; i < 5; i++) await Promise.resolve(); };
  const raw = (id: string, since: number): object => ({ id, state: 'resolved', since, fired: since + 1, resolved: since + 5 });
  assert.equal([...episodes.during(8_000, 10_000)].length, 0);
  await settle();
  assert.deepEqual(asked, [{ start: 7_000, end: 10_000 }]);
  assert.equal([...episodes.during(8_500, 10_500)].length, 1);
  assert.equal(asked.length, 1);
  more = true;
  episodes.during(5_000, 7_000);
  await settle();
  assert.deepEqual(asked[1], { start: 4_000, end: 7_000 });
  episodes.remember([alert('z', { state: 'resolved' }), alert('y')]);
  assert.equal([...episodes.during(8_000, 10_000)].length, 2);
  fails = true;
  episodes.forget();
  episodes.during(8_000, 10_000);
  await settle();
  episodes.during(8_000, 10_000);
  assert.equal(asked.length, 3);
  now += 6_000;
  episodes.during(8_000, 10_000);
  assert.equal(asked.length, 4);
});

test('a storm is gathered: at once, then no more often than said', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let times = 0;
  const gather = new Gather(30, () => times++);
  for (let i = 0; i < 5; i++) gather.ask();
  assert.equal(times, 1);
  t.mock.timers.tick(30);
  assert.equal(times, 2);
  t.mock.timers.tick(30);
  gather.ask();
  assert.equal(times, 3);
  gather.stop();
});
