// What is said of an alert, in words: pure.
import { amount, limitWords } from '../alerts/words';
import { formatNumber, NBSP, NONE } from '../format/number';
import { clock, duration } from '../format/time';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';

/** From how many seconds a value in seconds is a length of time. */
const LONG_S = 120;

/** Gives how many decimals the values of an alert are written with: always the same, so that a value does not shake. */
export function decimalsOf(alert: AlertView): number | null {
  const size = Math.max(Math.abs(alert.limit.value ?? 0), Math.abs(alert.limit.high ?? 0));
  if (alert.unit === '%') return 1;
  if (size === 0 || size >= 10_000) return null;
  return size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
}

/** Whether an alert is about data that is not there. */
export function hasNoData(value: number | null, alert: AlertView): boolean {
  return value === null ? alert.nodata : Number.isNaN(value);
}

/** Gives a value and its unit: `61.3` and `%`; a prefix goes to the unit, `1.20` and `GB`. */
export function valueParts(value: number | null, alert: AlertView, texts: Texts): readonly [string, string] {
  if (hasNoData(value, alert)) return [texts.talk.noValue, ''];
  if (alert.unit === 's' && value !== null && Math.abs(value) >= LONG_S) return [amount(value, alert.unit, texts), ''];
  const words = value === null ? NONE : formatNumber(value, decimalsOf(alert));
  const prefix = new RegExp(`${NBSP}([A-Zkmµ])$`).exec(words);
  return prefix ? [words.slice(0, prefix.index), `${prefix[1] ?? ''}${alert.unit}`] : [words, alert.unit];
}

/** `61.3 %`. */
export function valueWords(value: number | null, alert: AlertView, texts: Texts): string {
  const [words, unit] = valueParts(value, alert, texts);
  return unit === '' ? words : `${words}${NBSP}${unit}`;
}

/** `over 40 % for 1 m`. */
export function heldWords(alert: AlertView, texts: Texts): string {
  const words = limitWords(alert.limit, alert.unit, texts);
  return alert.for > 0 ? texts.talk.limitFor(words, duration(alert.for, texts.units)) : words;
}

/** `least 6.8 % at 02:51:40`, or '' when nothing is known of it. */
export function extremeWords(alert: AlertView, texts: Texts): string {
  const { extreme, limit } = alert;
  if (!extreme || Number.isNaN(extreme.value)) return '';
  const least = ['below', '<', '<='].includes(limit.op) || (limit.op === 'outside' && limit.value !== null && extreme.value < limit.value);
  const { talk } = texts;
  return (least ? talk.leastAt : talk.mostAt)(valueWords(extreme.value, alert, texts), clock(extreme.at));
}

/** Gives the address of a runbook that is nothing but an address, cut to what tells it from others. */
export function runbookTitle(href: string): string {
  const bare = href.replace(/^https?:\/\//i, '').replace(/\/$/, '');
  return bare.length > 48 ? `${bare.slice(0, 20)}…${bare.slice(-27)}` : bare;
}
