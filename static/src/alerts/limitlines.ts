// Limits of rules on panels: drawn where a panel shows exactly what a rule measures.
import type { Panel } from '../boot';
import type { AlertView } from '../wire/alert';
import type { RuleView } from '../wire/rule';
import { isLive } from './rank';

export interface LimitLine {
  readonly at: number;
  /** Grey while all is well, the severity's colour while an alert of it fires or waits. */
  readonly ink: 'text-3' | 'critical' | 'warning-mark';
}

/** Writes an expression without white space, but for what is in strings and between words. */
export function squeezed(expr: string): string {
  return expr.replace(/("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?<=\w)(\s+)(?=\w)|\s+/g, (_, quoted: string | undefined, between: string | undefined) => quoted ?? (between === undefined ? '' : ' '));
}

/** Gives the metric of an expression that is one selector and nothing else, or null. */
export function selectedMetric(expr: string): string | null {
  const found = /^([a-zA-Z_:][\w:]*)?(?:\{((?:[^{}"]|"(?:\\.|[^"\\])*")*)\})?$/.exec(squeezed(expr));
  if (!found) return null;
  const named = /(?:^|,)__name__="((?:\\.|[^"\\])*)"/.exec(found[2] ?? '')?.[1];
  return found[1] ?? named?.replace(/\\(.)/g, '$1') ?? null;
}

/** Rules by what they measure: made once for a set of rules, asked by each panel. */
export class MeasuredRules {
  readonly #byExpr = new Map<string, RuleView[]>();
  readonly #byMetric = new Map<string, RuleView[]>();
  readonly #found = new Map<Panel, readonly RuleView[]>();

  constructor(rules: Iterable<RuleView>) {
    for (const rule of rules) {
      add(this.#byExpr, squeezed(rule.expr), rule);
      const metric = selectedMetric(rule.expr);
      if (metric !== null) add(this.#byMetric, metric, rule);
    }
  }

  /** Gives the rules that measure what a panel draws; with `isPushed` those of its metric, whatever their labels. */
  of(panel: Panel, isPushed: boolean): readonly RuleView[] {
    const known = this.#found.get(panel) ?? this.#search(panel, isPushed);
    this.#found.set(panel, known);
    return known;
  }

  #search(panel: Panel, isPushed: boolean): readonly RuleView[] {
    if (panel.scale !== 1 || panel.kind !== 'line') return [];
    const found = panel.queries.flatMap(query => {
      const metric = isPushed ? selectedMetric(query.expr) : null;
      return [...this.#byExpr.get(squeezed(query.expr)) ?? [], ...(metric === null ? [] : this.#byMetric.get(metric) ?? [])];
    });
    return [...new Set(found)];
  }
}

function add(map: Map<string, RuleView[]>, key: string, rule: RuleView): void {
  const there = map.get(key);
  if (there) there.push(rule);
  else map.set(key, [rule]);
}

/** Gives the lines of rules, those with a colour last: they lie on top. */
export function limitLines(rules: readonly RuleView[], alerts: Iterable<AlertView>): LimitLine[] {
  if (rules.length === 0) return [];
  const ids = new Set(rules.map(rule => rule.id));
  const alight = new Set([...alerts].filter(alert => ids.has(alert.rule) && isLive(alert) && !alert.inhibited && alert.silences.length === 0)
    .map(alert => `${alert.rule} ${alert.severity}`));
  const lines = rules.flatMap(rule => rule.limits.flatMap(limit => {
    const ink = !alight.has(`${rule.id} ${limit.severity}`) ? 'text-3' : limit.severity === 'critical' ? 'critical' : 'warning-mark';
    return [limit.value, limit.op === 'outside' ? limit.high : null].filter(at => at !== null && Number.isFinite(at)).map(at => ({ at: at ?? 0, ink } as const));
  }));
  return lines.sort((a, b) => Number(a.ink !== 'text-3') - Number(b.ink !== 'text-3'));
}
