// Alerts, as the channel `alerts`, the time line and the calls write them: docs/protocol.md.
import { isFields, labels, list, number, sample, text, type Labels } from './parse';

export interface Person {
  readonly id: string;
  readonly name: string;
}

export type Severity = 'warning' | 'critical';

/** What a value is held against. `high` is for `outside` alone; `clear` is where it is good again, null for the limit. */
export interface AlertLimit {
  readonly op: string;
  readonly value: number | null;
  readonly high: number | null;
  readonly clear: number | null;
}

export interface Ack {
  readonly by: Person;
  readonly at: number;
  readonly reason: string;
}

/** One alert: a series of a rule at one severity. Times are ms since the epoch, `for` is a length in ms. */
export interface AlertView {
  readonly id: string;
  readonly rule: string;
  readonly name: string;
  readonly severity: Severity;
  readonly state: 'pending' | 'firing' | 'resolved' | 'cleared';
  readonly labels: Labels;
  /** The labels of the measured series. */
  readonly where: Labels;
  readonly value: number | null;
  readonly limit: AlertLimit;
  readonly unit: string;
  readonly for: number;
  readonly since: number;
  readonly fired: number | null;
  readonly resolved: number | null;
  readonly extreme: { readonly value: number; readonly at: number } | null;
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly rooms: readonly string[];
  /** Which panels of which rooms read the rule's series. */
  readonly panels: ReadonlyMap<string, readonly string[]>;
  readonly ack: Ack | null;
  readonly silences: readonly string[];
  readonly inhibited: boolean;
  /** It fires because nothing is measured. */
  readonly nodata: boolean;
  /** It is over because its rule was changed or taken away. */
  readonly edited: boolean;
}

const STATES: ReadonlySet<string> = new Set(['pending', 'firing', 'resolved', 'cleared']);

/** Gives a value that may be written as a word (`"NaN"`, `"+Inf"`), or null where there is none. */
export function measured(value: unknown): number | null {
  return typeof value === 'number' || typeof value === 'string' ? sample(value) : null;
}

export function texts(value: unknown): string[] {
  return list(value).filter(one => typeof one === 'string');
}

/** Parses who did something, or gives null for nobody. */
export function personOf(value: unknown): Person | null {
  if (!isFields(value)) return null;
  const [id, name] = [text(value['id']), text(value['name'])];
  return id === '' && name === '' ? null : { id, name };
}

export function limitOf(value: unknown): AlertLimit {
  const from = isFields(value) ? value : {};
  return { op: text(from['op']), value: measured(from['value']), high: measured(from['high']), clear: measured(from['clear']) };
}

export function severityOf(value: unknown): Severity {
  return value === 'critical' ? 'critical' : 'warning';
}

/** Gives the panels of each room. A Map, because rooms are named by whoever writes dashboards. */
export function panelsOf(value: unknown): Map<string, readonly string[]> {
  return new Map(isFields(value) ? Object.entries(value).map(([room, panels]) => [room, texts(panels)]) : []);
}

function ackOf(value: unknown): Ack | null {
  const by = isFields(value) ? personOf(value['by']) : null;
  return by && isFields(value) ? { by, at: number(value['at']) ?? 0, reason: text(value['reason']) } : null;
}

function extremeOf(value: unknown): AlertView['extreme'] {
  const most = isFields(value) ? measured(value['value']) : null;
  return most === null || !isFields(value) ? null : { value: most, at: number(value['at']) ?? 0 };
}

/** Parses one alert, or gives null for what is none. */
export function alertOf(value: unknown): AlertView | null {
  if (!isFields(value)) return null;
  const [id, state] = [text(value['id']), text(value['state'])];
  if (id === '' || !STATES.has(state)) return null;
  return {
    id, rule: text(value['rule']), name: text(value['name']), severity: severityOf(value['severity']),
    state: state as AlertView['state'], labels: labels(value['labels']), where: labels(value['where']), value: measured(value['value']),
    limit: limitOf(value['limit']), unit: text(value['unit']), for: number(value['for']) ?? 0, since: number(value['since']) ?? 0,
    fired: number(value['fired']), resolved: number(value['resolved']), extreme: extremeOf(value['extreme']),
    summary: text(value['summary']), description: text(value['description']), runbook: text(value['runbook']),
    rooms: texts(value['rooms']), panels: panelsOf(value['panels']), ack: ackOf(value['ack']), silences: texts(value['silences']),
    inhibited: value['inhibited'] === true, nodata: value['nodata'] === true, edited: value['edited'] === true,
  };
}
