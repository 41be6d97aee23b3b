// Alerts in words: values, limits, states.
import { shown } from '../data/names';
import { formatNumber, NBSP, NONE } from '../format/number';
import { clock, duration } from '../format/time';
import type { Texts } from '../texts/texts';
import type { AlertLimit, AlertView } from '../wire/alert';
import type { Labels } from '../wire/parse';
import type { Matcher } from '../wire/rule';

/** From where on seconds and milliseconds are written as a length of time. */
const LONG_S = 120;
const LONG_MS = 10_000;

/** Units that a prefix belongs to: `12.4 kB`, but `12.4 k pages/s`. */
const PREFIXED = /^(?:(?:B|b|bit|Hz|W|V|A|J)(?:\/s)?$|\/)/;

/** Writes a value with its unit: `61.3 %`, `12.4 kB`, `2 h 5 m`. */
export function amount(value: number | null, unit: string, texts: Texts): string {
  if (value === null || value !== value) return NONE;
  if (unit === 's' && Math.abs(value) >= LONG_S && Number.isFinite(value)) return `${value < 0 ? '−' : ''}${duration(Math.abs(value) * 1000, texts.units)}`;
  if (unit === 'ms' && Math.abs(value) >= LONG_MS && Number.isFinite(value)) return amount(value / 1000, 's', texts);
  const number = formatNumber(value, null);
  if (unit === '') return number;
  return /\p{L}$/u.test(number) && PREFIXED.test(unit) ? `${number}${shown(unit)}` : `${number}${NBSP}${shown(unit)}`;
}

/** Writes what an alert measures: nothing where it fires because of that. */
export function measuredWords(alert: AlertView, value: number | null, texts: Texts): string {
  return alert.nodata ? texts.alerts.noData : amount(value, alert.unit, texts);
}

/** Writes a limit as it was given: `40 %`, not `40.0 %`. */
function bound(value: number | null, unit: string, texts: Texts): string {
  if (value === null) return NONE;
  if (Math.abs(value) < 10_000 && unit !== 's' && Number.isFinite(value)) {
    const written = `${Math.round(value * 1e6) / 1e6}`.replace('-', '−');
    return unit === '' ? written : `${written}${NBSP}${shown(unit)}`;
  }
  return amount(value, unit, texts);
}

/** Writes what a value is held against: `over 40 %`. */
export function limitWords(limit: AlertLimit, unit: string, texts: Texts): string {
  const { limits } = texts.alerts;
  const at = bound(limit.value, unit, texts);
  switch (limit.op) {
    case 'above': case '>': case '>=': return limits.above(at);
    case 'below': case '<': case '<=': return limits.below(at);
    case 'outside': return limits.outside(bound(limit.value, '', texts), bound(limit.high, unit, texts));
    case 'present': return limits.present;
    case '==': return limits.equal(at);
    case '!=': return limits.unequal(at);
    default: return shown(`${limit.op} ${at}`).trim();
  }
}

/** Writes a limit and for how long: `over 40 %, 1 m`. */
export function limitFor(limit: AlertLimit, unit: string, forMs: number, texts: Texts): string {
  return `${limitWords(limit, unit, texts)}, ${forMs <= 0 ? texts.alerts.atOnce : duration(forMs, texts.units)}`;
}

/** Writes labels as they are matched: `host=web-03`. */
export function labelWords(labels: Labels): string[] {
  return [...labels].filter(([name]) => name !== '__name__').map(([name, value]) => `${shown(name)}=${shown(value)}`);
}

export function matcherWords(matcher: Matcher): string {
  return `${shown(matcher.name)}${matcher.op}${shown(matcher.value)}`;
}

/** Writes a moment: to the second today, to the minute on other days. */
export function moment(time: number, now: number, texts: Texts): string {
  return new Date(time).toDateString() === new Date(now).toDateString() ? clock(time) : minute(time, now, texts);
}

/** Writes a moment to the minute. */
export function minute(time: number, now: number, texts: Texts): string {
  const [at, today] = [new Date(time), new Date(now)];
  const short = clock(time).slice(0, 5);
  return at.toDateString() === today.toDateString() ? short : `${dayOf(time, texts)} ${short}`;
}

/** Writes a day: `18 Nov`. */
export function dayOf(time: number, texts: Texts): string {
  return new Date(time).toLocaleDateString(texts.alerts.locale, { day: 'numeric', month: 'short' }).replace(' ', NBSP);
}

/** How an alert is marked: its shape, its colour, whether it is filled, and its words. */
export interface Mark {
  readonly glyph: string;
  readonly tone: 'is-critical' | 'is-warning' | 'is-pending' | 'text-2';
  readonly solid: boolean;
  readonly words: string;
}

/** Gives the mark of an alert now; `until` is when its silence ends, ms. */
export function markOf(alert: AlertView, now: number, until: number | null, texts: Texts): Mark {
  const { alerts: words, units } = texts;
  const since = (from: number): string => duration(now - from, units);
  const tone = alert.severity === 'critical' ? 'is-critical' : 'is-warning';
  const glyph = alert.severity === 'critical' ? 'g-critical' : 'g-warning';
  if (alert.state === 'resolved' || alert.state === 'cleared') {
    return { glyph: 'g-resolved', tone: 'text-2', solid: false, words: alert.edited ? words.edited : alert.state === 'resolved' ? words.resolved : words.cleared };
  }
  if (alert.silences.length > 0) {
    return { glyph: 'g-silenced', tone: 'text-2', solid: false, words: until === null ? words.silenced : words.silencedUntil(minute(until, now, texts)) };
  }
  if (alert.state === 'pending') return { glyph: 'g-pending', tone: 'is-pending', solid: false, words: words.pendingFor(since(alert.since)) };
  if (alert.ack) return { glyph, tone, solid: false, words: words.ackedBy(shown(alert.ack.by.name)) };
  return { glyph, tone, solid: true, words: words.firingFor(since(alert.fired ?? alert.since)) };
}
