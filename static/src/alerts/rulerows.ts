// Rules as the table of alerts shows them: in which state, in which order, behind which filter.
import type { AlertView, Severity } from '../wire/alert';
import type { RuleView } from '../wire/rule';
import { isLive, worstFirst } from './rank';

export type RowKind = 'firing' | 'pending' | 'error' | 'nodata' | 'silenced' | 'ok';

export interface RuleRow {
  readonly rule: RuleView;
  readonly kind: RowKind;
  /** Its alerts that live, the worst first. */
  readonly live: readonly AlertView[];
}

export const FILTERS = ['all', 'firing', 'pending', 'error', 'nodata', 'silenced'] as const;
export type Filter = (typeof FILTERS)[number];

const ORDER: readonly RowKind[] = ['firing', 'pending', 'error', 'nodata', 'silenced', 'ok'];

function kindOf(rule: RuleView, live: readonly AlertView[]): RowKind {
  const own = live.filter(alert => !alert.inhibited);
  const heard = own.filter(alert => alert.silences.length === 0);
  if (heard.some(alert => alert.state === 'firing')) return 'firing';
  if (heard.length > 0) return 'pending';
  if (own.length > 0) return 'silenced';
  return rule.state;
}

/** Gives one row for each rule, in the order of the file. */
export function rowsOf(rules: Iterable<RuleView>, alerts: Iterable<AlertView>): RuleRow[] {
  const byRule = new Map<string, AlertView[]>();
  for (const alert of alerts) {
    if (!isLive(alert)) continue;
    const there = byRule.get(alert.rule);
    if (there) there.push(alert);
    else byRule.set(alert.rule, [alert]);
  }
  return [...rules].map(rule => {
    const live = (byRule.get(rule.id) ?? []).toSorted(worstFirst);
    return { rule, kind: kindOf(rule, live), live };
  });
}

/** Orders rows: what fires first, critical before warning; of equals as in the file. */
export function inOrder(rows: readonly RuleRow[]): RuleRow[] {
  const severity = (row: RuleRow): number => (row.live[0]?.severity === 'critical' ? 0 : 1);
  return rows.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || severity(a) - severity(b) || a.rule.line - b.rule.line);
}

export function passes(row: RuleRow, filter: Filter): boolean {
  return filter === 'all' || row.kind === filter;
}

export function filterCounts(rows: readonly RuleRow[]): ReadonlyMap<Filter, number> {
  return new Map(FILTERS.map(filter => [filter, rows.filter(row => passes(row, filter)).length]));
}

/** Gives the worst severity that fires; null while nothing does. */
export function worstFiring(rows: readonly RuleRow[]): Severity | null {
  const firing = rows.filter(row => row.kind === 'firing').flatMap(row => row.live)
    .filter(alert => alert.state === 'firing' && alert.silences.length === 0 && !alert.inhibited);
  return firing.length === 0 ? null : firing.some(alert => alert.severity === 'critical') ? 'critical' : 'warning';
}

/** Tells whether no rule stands as it did: the file has been replaced. */
export function isReplaced(before: Iterable<RuleView>, after: readonly RuleRow[]): boolean {
  const texts = new Map([...before].map(rule => [rule.id, rule.text]));
  return texts.size > 0 && after.length > 0 && after.every(row => texts.get(row.rule.id) !== row.rule.text);
}

/** Gives the rule that the address names, or null. */
export function ruleInHash(hash: string): string | null {
  const found = /^#rule=(.+)$/.exec(hash)?.[1];
  try {
    return found === undefined ? null : decodeURIComponent(found);
  } catch {
    return null;
  }
}
