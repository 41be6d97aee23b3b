// Local days: which one a moment belongs to, and what it is called.
import { zoneAt } from '../format/time';

const DAY_MS = 86_400_000;

/** Gives a number that is the same for all moments of one local day. */
export function dayOf(time: number): number {
  return Math.floor((time + zoneAt(time)) / DAY_MS);
}

/** Gives the writer of days in a language: `Monday 23 November`. */
export function dayWriter(locale: string): (time: number) => string {
  const format = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  return time => format.format(time);
}
