import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, NOTHING, valuesOf, wholeOf } from '../src/alerts/held';
import { AlertState, type Channels, type Followed } from '../src/alerts/state';
import { keptPerson, nameFrom } from '../src/page/person';
import { alertOf } from '../src/wire/alert';
import { fileOf, ruleOf } from '../src/wire/rule';

const raw = (id: string, state = 'firing', more: object = {}): object => ({
  id, rule: 'r1', name: 'I/O pressure high', severity: 'critical', state, labels: { alertname: 'I/O pressure high', host: 'web-03' },
  where: { host: 'web-03' }, value: 61.3, limit: { op: 'above', value: 40, high: null, clear: null }, unit: '%', for: 60_000, since: 1_000,
  fired: 61_000, resolved: null, extreme: { value: 71, at: 62_000 }, rooms: ['host'], panels: { host: ['psi'], __proto__: ['x'] }, ack: null, silences: [], ...more,
});

test('an alert is parsed once, and what is none is null', () => {
  const alert = alertOf(raw('a1', 'firing', { value: 'NaN', ack: { by: { id: '1', name: 'Olena' }, at: 5, reason: 'mine' } }));
  assert.ok(alert);
  assert.ok(Number.isNaN(alert.value));
  assert.equal(alert.where.get('host'), 'web-03');
  assert.deepEqual(alert.panels.get('host'), ['psi']);
  assert.deepEqual(alert.ack, { by: { id: '1', name: 'Olena' }, at: 5, reason: 'mine' });
  assert.equal(alertOf(raw('a1', 'burning')), null);
  assert.equal(alertOf({ id: 'a' }), null);
  assert.equal(alertOf('firing'), null);
});

test('a rule and its file are parsed', () => {
  const rule = ruleOf({ id: 'r', name: 'n', state: 'nodata', limits: [{ severity: 'critical', op: 'outside', value: 1, high: 9, clear: null }] });
  assert.equal(rule?.state, 'nodata');
  assert.deepEqual(rule?.limits[0], { severity: 'critical', op: 'outside', value: 1, high: 9, clear: null });
  assert.deepEqual(fileOf({ path: 'alerts.toml', read: 1, rules: 2, problems: [{ line: 3, column: 4, message: 'm', help: 'h' }] })?.problems, [{ line: 3, column: 4, message: 'm', help: 'h' }]);
});

test('changes are upserts and removals; nothing said changes nothing', () => {
  const whole = wholeOf({ rules: [{ id: 'r1', name: 'x', state: 'ok' }], alerts: [raw('a1'), raw('a2')], silences: [], file: { read: 1, rules: 1, problems: [] } });
  assert.equal(after(whole, {}), whole);
  assert.equal(after(whole, { gone: ['no such'] }), whole);
  const next = after(whole, { alerts: [raw('a1', 'resolved'), raw('a3', 'pending')], gone: ['a2'] });
  assert.deepEqual([...next.alerts].map(([id, alert]) => `${id} ${alert.state}`), ['a1 resolved', 'a3 pending']);
  assert.equal(whole.alerts.size, 2);
  const said = after(next, { states: [{ id: 'r1', state: 'firing', changed: 7, error: null }, { id: 'r9', state: 'ok' }] });
  assert.equal(said.rules.get('r1')?.state, 'firing');
  assert.equal(said.rules.get('r1')?.changed, 7);
  assert.equal(said.rules.size, 1);
  assert.deepEqual(after(said, { file: { read: 2, rules: 1, problems: [{ line: 1, message: 'bad' }] } }).file?.problems.length, 1);
  assert.equal(NOTHING.known, false);
});

test('values of a signal are numbers, and words of numbers', () => {
  assert.deepEqual([...valuesOf({ at: 1, alerts: { a: 1.5, b: '+Inf', c: null } }, 'alerts')], [['a', 1.5], ['b', Infinity]]);
  assert.equal(valuesOf(null, 'rules').size, 0);
});

class FakeChannels implements Channels {
  readonly heard = new Map<string, (data: unknown) => void>();
  subscription(channel: string): Followed {
    return { on: (event, listener) => this.heard.set(`${channel} ${event}`, data => listener({ data })), subscribe: () => undefined, unsubscribe: () => undefined };
  }
}

test('a reconnect replaces the whole, and values belong to what lives', () => {
  const channels = new FakeChannels();
  const state = new AlertState();
  const said: string[] = [];
  state.watch(changed => said.push(changed));
  state.start(channels, true);
  channels.heard.get('@alerts subscribed')?.({ alerts: [raw('a1'), raw('a2', 'resolved')], rules: [{ id: 'r1', value: 3 }] });
  channels.heard.get('@alerts-now publication')?.({ alerts: { a1: 70, a2: 9 } });
  assert.equal(state.valueOf('a1'), 70);
  assert.equal(state.valueOf('a2'), 61.3);
  assert.equal(state.ruleValue('r1'), 3);
  channels.heard.get('@rules-now publication')?.({ rules: { r1: 4 } });
  assert.equal(state.ruleValue('r1'), 4);
  channels.heard.get('@alerts subscribed')?.({ alerts: [raw('a3')] });
  assert.deepEqual([...state.all()].map(alert => alert.id), ['a3']);
  assert.deepEqual(said, ['facts', 'values', 'values', 'facts']);
});

test('a name is one line of at most 40 characters', () => {
  assert.equal(nameFrom('  Olena\n\tTkachenko '), 'Olena Tkachenko');
  assert.equal([...nameFrom('👩'.repeat(50))].length, 40);
  assert.equal(nameFrom(' \u0000 '), '');
  assert.deepEqual(keptPerson('{"id":"0123456789abcdef","name":"Olena"}'), { id: '0123456789abcdef', name: 'Olena' });
  for (const bad of [null, 'x', '{}', '{"id":"zz","name":"Olena"}', '{"id":"0123456789abcdef","name":" "}']) assert.equal(keptPerson(bad), null);
});
