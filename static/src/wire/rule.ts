// Rules, their file, and silences, as the channel `alerts` writes them: docs/protocol.md.
import { limitOf, measured, panelsOf, personOf, severityOf, texts, type AlertLimit, type Person, type Severity } from './alert';
import { isFields, list, number, text } from './parse';

export type RuleState = 'ok' | 'pending' | 'firing' | 'nodata' | 'error';

export interface RuleLimit extends AlertLimit {
  readonly severity: Severity;
}

/** One rule of `alerts.toml`. `for` and `keepFiring` are lengths in ms. */
export interface RuleView {
  readonly id: string;
  readonly name: string;
  /** The expression that is measured; its limits stand apart. */
  readonly expr: string;
  readonly limits: readonly RuleLimit[];
  readonly for: number;
  readonly keepFiring: number;
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly rooms: readonly string[];
  readonly panels: ReadonlyMap<string, readonly string[]>;
  readonly unit: string;
  readonly state: RuleState;
  readonly value: number | null;
  readonly changed: number | null;
  /** Why it cannot be evaluated, or null. */
  readonly error: string | null;
  /** What is doubtful about its value, for people. */
  readonly notes: readonly string[];
  /** The rule as it stands in the file, from this line on. */
  readonly text: string;
  readonly line: number;
  readonly series: number;
}

export interface Matcher {
  readonly name: string;
  readonly op: string;
  readonly value: string;
}

export interface SilenceView {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly start: number;
  readonly end: number;
  readonly by: Person | null;
  readonly reason: string;
  /** When someone ended it before its time, or null. */
  readonly ended: number | null;
}

export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly help: string;
}

/** What became of the last reading of the rules' file. */
export interface RuleFile {
  readonly path: string;
  readonly read: number;
  readonly rules: number;
  readonly records: number;
  readonly problems: readonly Problem[];
}

const STATES: ReadonlySet<string> = new Set(['ok', 'pending', 'firing', 'nodata', 'error']);

export function ruleStateOf(value: unknown): RuleState {
  const state = text(value);
  return STATES.has(state) ? state as RuleState : 'ok';
}

function optional(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Gives why a rule cannot be evaluated, or null. */
export const errorOf = optional;

/** Parses one rule, or gives null for what is none. */
export function ruleOf(value: unknown): RuleView | null {
  if (!isFields(value) || text(value['id']) === '') return null;
  return {
    id: text(value['id']), name: text(value['name']), expr: text(value['expr']),
    limits: list(value['limits']).map(one => ({ ...limitOf(one), severity: severityOf(isFields(one) ? one['severity'] : '') })),
    for: number(value['for']) ?? 0, keepFiring: number(value['keepFiring']) ?? 0,
    summary: text(value['summary']), description: text(value['description']), runbook: text(value['runbook']),
    rooms: texts(value['rooms']), panels: panelsOf(value['panels']), unit: text(value['unit']), state: ruleStateOf(value['state']),
    value: measured(value['value']), changed: number(value['changed']), error: optional(value['error']), notes: texts(value['notes']),
    text: text(value['text']), line: number(value['line']) ?? 0, series: number(value['series']) ?? 0,
  };
}

/** Parses one silence, or gives null for what is none. */
export function silenceOf(value: unknown): SilenceView | null {
  if (!isFields(value) || text(value['id']) === '') return null;
  const matchers = list(value['matchers']).filter(isFields).map(one => ({ name: text(one['name']), op: text(one['op'], '='), value: text(one['value']) }));
  return {
    id: text(value['id']), matchers, start: number(value['start']) ?? 0, end: number(value['end']) ?? 0,
    by: personOf(value['by']), reason: text(value['reason']), ended: number(value['ended']),
  };
}

/** Parses what became of the file, or gives null when it is not told. */
export function fileOf(value: unknown): RuleFile | null {
  if (!isFields(value)) return null;
  const problems = list(value['problems']).filter(isFields).map(one => ({
    line: number(one['line']) ?? 0, column: number(one['column']) ?? 0, message: text(one['message']), help: text(one['help']),
  }));
  return { path: text(value['path'], 'alerts.toml'), read: number(value['read']) ?? 0, rules: number(value['rules']) ?? 0, records: number(value['records']) ?? 0, problems };
}
