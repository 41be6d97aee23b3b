// What is known of rules, alerts and silences: a pure reducer over what the channel `alerts` says.
import { alertOf, measured, texts, type AlertView } from '../wire/alert';
import { isFields, list, number, text } from '../wire/parse';
import { errorOf, fileOf, ruleOf, ruleStateOf, silenceOf, type RuleFile, type RuleView, type SilenceView } from '../wire/rule';

/** `known` is false until the server told the whole once. */
export interface Held {
  readonly known: boolean;
  readonly rules: ReadonlyMap<string, RuleView>;
  readonly alerts: ReadonlyMap<string, AlertView>;
  readonly silences: ReadonlyMap<string, SilenceView>;
  readonly file: RuleFile | null;
  /** Alerts that stand and that the server did not tell. */
  readonly more: number;
}

export const NOTHING: Held = { known: false, rules: new Map(), alerts: new Map(), silences: new Map(), file: null, more: 0 };

function byId<T extends { readonly id: string }>(value: unknown, parse: (one: unknown) => T | null): Map<string, T> {
  return new Map(list(value).map(parse).filter(one => one !== null).map(one => [one.id, one]));
}

/** Gives the whole, from the reply to a subscribe: what is not in it is gone. */
export function wholeOf(value: unknown): Held {
  const from = isFields(value) ? value : {};
  return {
    known: true, rules: byId(from['rules'], ruleOf), alerts: byId(from['alerts'], alertOf),
    silences: byId(from['silences'], silenceOf), file: fileOf(from['file']), more: number(from['more']) ?? 0,
  };
}

/** Gives what is held after a change; the same object when it changes nothing. */
export function after(held: Held, value: unknown): Held {
  if (!isFields(value)) return held;
  let next = held;
  if ('rules' in value) next = { ...next, rules: byId(value['rules'], ruleOf) };
  if ('file' in value) next = { ...next, file: fileOf(value['file']) ?? next.file };
  if ('silences' in value) next = { ...next, silences: byId(value['silences'], silenceOf) };
  if ('states' in value) next = { ...next, rules: withStates(next.rules, list(value['states'])) };
  const gone = list(value['gone']).map(id => text(id)).filter(id => next.alerts.has(id));
  const changed = byId(value['alerts'], alertOf);
  if (gone.length === 0 && changed.size === 0) return next;
  const alerts = new Map(next.alerts);
  for (const id of gone) alerts.delete(id);
  for (const [id, alert] of changed) alerts.set(id, alert);
  return { ...next, alerts };
}

function withStates(rules: ReadonlyMap<string, RuleView>, states: readonly unknown[]): ReadonlyMap<string, RuleView> {
  const next = new Map(rules);
  for (const one of states) {
    const rule = isFields(one) ? next.get(text(one['id'])) : undefined;
    if (rule && isFields(one)) next.set(rule.id, { ...rule, state: ruleStateOf(one['state']), changed: number(one['changed']) ?? rule.changed, error: errorOf(one['error']), notes: texts(one['notes']) });
  }
  return next;
}

/** Gives the values of a signal, by the ids in `field`; what is no number is left out. */
export function valuesOf(value: unknown, field: 'alerts' | 'rules'): Map<string, number> {
  const from = isFields(value) ? value[field] : null;
  const found = new Map<string, number>();
  if (isFields(from)) for (const [id, one] of Object.entries(from)) {
    const now = measured(one);
    if (now !== null) found.set(id, now);
  }
  return found;
}
