// For how long a silence can be made, and what it holds back.
import type { AlertView } from '../wire/alert';
import type { Matcher, SilenceView } from '../wire/rule';
import { isLive } from './rank';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The hour that ends a night, local time. */
const MORNING = 8;

/** One of the ends that are offered: a length from now, or a time of day. */
export type Until = { readonly kind: 'for'; readonly ms: number } | { readonly kind: 'morning' };

export const UNTILS: readonly Until[] = [{ kind: 'for', ms: 30 * MINUTE }, { kind: 'for', ms: 120 * MINUTE }, { kind: 'morning' }, { kind: 'for', ms: DAY }];
export const UNTIL_USUAL = 1;

/** Gives when a silence that begins now ends, ms. The morning is the next one, by the reader's clock. */
export function endOf(until: Until, now: number): number {
  if (until.kind === 'for') return now + until.ms;
  const end = new Date(now);
  end.setHours(MORNING, 0, 0, 0);
  if (end.getTime() <= now) end.setDate(end.getDate() + 1);
  return end.getTime();
}

/** Most matchers of a silence; the server takes no more. */
const MATCHERS_MAX = 8;

/** Labels that tell a series apart least: left out first when there are too many. */
const PLAIN: ReadonlySet<string> = new Set(['job', 'instance']);

/** Gives the matchers that mean this alert, at each severity: its rule's name and its series' labels. */
export function matchersOf(alert: AlertView): Matcher[] {
  const where = [...alert.where].filter(([name]) => name !== '__name__' && name !== 'alertname')
    .sort(([a], [b]) => Number(PLAIN.has(a)) - Number(PLAIN.has(b)));
  const pairs = [['alertname', alert.labels.get('alertname') ?? alert.name] as const, ...where];
  return pairs.slice(0, MATCHERS_MAX).map(([name, value]) => ({ name, op: '=', value }));
}

/** Tells whether all matchers meet an alert's labels; a label that is not there is empty. */
export function matches(alert: AlertView, matchers: readonly Matcher[]): boolean {
  return matchers.length > 0 && matchers.every(({ name, op, value }) => {
    const label = alert.labels.get(name) ?? '';
    switch (op) {
      case '=': return label === value;
      case '!=': return label !== value;
      case '=~': return wholly(value, label);
      case '!~': return !wholly(value, label);
      default: return false;
    }
  });
}

function wholly(pattern: string, label: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(label);
  } catch {
    return false;
  }
}

/** Counts the live alerts that matchers hold back; outranked ones are held back already. */
export function heldBack(alerts: Iterable<AlertView>, matchers: readonly Matcher[]): number {
  return [...alerts].filter(alert => isLive(alert) && !alert.inhibited && matches(alert, matchers)).length;
}

/** Gives when the last of an alert's silences ends, ms; null when none is known. */
export function silencedUntil(alert: AlertView, silences: ReadonlyMap<string, SilenceView>): number | null {
  const ends = alert.silences.map(id => silences.get(id)?.end).filter(end => end !== undefined);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** Gives the silences that are in force or to come, those that end first before the others. */
export function standing(silences: Iterable<SilenceView>, now: number): SilenceView[] {
  return [...silences].filter(one => one.ended === null && one.end > now).sort((a, b) => a.end - b.end || (a.id < b.id ? -1 : 1));
}
