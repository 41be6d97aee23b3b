import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitLines, MeasuredRules, selectedMetric, squeezed } from '../src/alerts/limitlines';
import { parsePanel, type Panel } from '../src/boot';
import { alertOf, type AlertView } from '../src/wire/alert';
import { ruleOf, type RuleView } from '../src/wire/rule';

function panel(expr: string, more: object = {}): Panel {
  const parsed = parsePanel({ id: 'p', kind: 'line', queries: [{ expr }], ...more });
  assert.ok(parsed);
  return parsed;
}

function rule(id: string, expr: string, limits: readonly object[] = [{ severity: 'warning', op: 'above', value: 80 }, { severity: 'critical', op: 'above', value: 95 }]): RuleView {
  const parsed = ruleOf({ id, name: id, expr, limits });
  assert.ok(parsed);
  return parsed;
}

function alert(of: string, severity: string, more: object = {}): AlertView {
  const parsed = alertOf({ id: `${of}${severity}`, rule: of, severity, state: 'firing', silences: [], ...more });
  assert.ok(parsed);
  return parsed;
}

const idsOf = (rules: readonly RuleView[], of: Panel, isPushed = false): string[] => new MeasuredRules(rules).of(of, isPushed).map(one => one.id);

test('white space counts in strings and between words alone', () => {
  assert.equal(squeezed(' sum by (a)\n  (m{b = "x  \\" y"})'), 'sum by(a)(m{b="x  \\" y"})');
  assert.notEqual(squeezed('m{a="x y"}'), squeezed('m{a="xy"}'));
});

test('a selector names its metric, nothing else does', () => {
  for (const expr of ['queue', ' queue { a = "}" } ', '{__name__="queue", job="push"}', 'queue{a="x",b=~"y"}']) assert.equal(selectedMetric(expr), 'queue', expr);
  for (const expr of ['rate(queue[1m])', 'queue[1m]', 'queue * 2', 'sum(queue)', '{job="push"}', '', 'queue offset 1m']) assert.equal(selectedMetric(expr), null, expr);
});

test('a rule is drawn where a panel shows what it measures', () => {
  const rules = [rule('same', 'a\n / b'), rule('other', 'a / c'), rule('queue', 'queue{room="lab"}')];
  assert.deepEqual(idsOf(rules, panel('a/b')), ['same']);
  assert.deepEqual(idsOf(rules, panel('a/b', { scale: 100 })), []);
  assert.deepEqual(idsOf(rules, panel('a/b', { kind: 'stack' })), []);
  const pushed = panel('{__name__="queue", job="push"}');
  assert.deepEqual(idsOf(rules, pushed, true), ['queue']);
  assert.deepEqual(idsOf(rules, pushed), []);
  assert.deepEqual(idsOf(rules, panel('rate({__name__="queue"}[1m])'), true), []);
});

test('a line has the colour of its alert while that lives', () => {
  const rules = [rule('r', 'm')];
  const inks = (...alerts: AlertView[]): string[] => limitLines(rules, alerts).map(line => `${line.at} ${line.ink}`);
  assert.deepEqual(inks(), ['80 text-3', '95 text-3']);
  assert.deepEqual(inks(alert('r', 'warning', { state: 'pending' })), ['95 text-3', '80 warning-mark']);
  assert.deepEqual(inks(alert('r', 'critical'), alert('r', 'warning', { inhibited: true })), ['80 text-3', '95 critical']);
  assert.deepEqual(inks(alert('r', 'critical', { state: 'resolved' }), alert('r', 'warning', { silences: ['s'] }), alert('q', 'critical')), ['80 text-3', '95 text-3']);
  assert.deepEqual(limitLines([rule('o', 'm', [{ severity: 'warning', op: 'outside', value: 1, high: 2 }, { severity: 'critical', op: 'present' }])], []).map(line => line.at), [1, 2]);
});
