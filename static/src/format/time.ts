// Times of the clock and lengths of time, local. UTC stands in titles.
import { NBSP } from './number';

const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`);

/** `03:12:46`, local. */
export function clock(time: number): string {
  const at = new Date(time);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `01:12:46 UTC`. */
export function clockUtc(time: number): string {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}

/** Words of a time axis: seconds only where marks are closer than a minute, the day at midnight. */
export function clockMark(time: number, every: number): string {
  const at = new Date(time);
  if (every >= 60_000 && at.getHours() === 0 && at.getMinutes() === 0) return `${two(at.getDate())}.${two(at.getMonth() + 1)}.`;
  return every < 60_000 ? clock(time) : `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** What local time is ahead of UTC at a time, ms. */
export function zoneAt(time: number): number {
  return -new Date(time).getTimezoneOffset() * 60_000;
}

/** The letters of days, hours, minutes, seconds in a language. */
export interface TimeUnits {
  readonly d: string;
  readonly h: string;
  readonly m: string;
  readonly s: string;
}

/** Cuts a length of time into its two largest parts: `[[41, d], [6, h]]`. At least `0 s`. */
export function durationParts(ms: number, units: TimeUnits): readonly (readonly [number, string])[] {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return [[s, units.s]];
  if (s < 3600) return [[Math.floor(s / 60), units.m], [s % 60, units.s]];
  if (s < 86_400) return [[Math.floor(s / 3600), units.h], [Math.floor(s / 60) % 60, units.m]];
  return [[Math.floor(s / 86_400), units.d], [Math.floor(s / 3600) % 24, units.h]];
}

/** `3 m 26 s`; a part that is nothing is left out. */
export function duration(ms: number, units: TimeUnits): string {
  const parts = durationParts(ms, units);
  return parts.filter(([n], i) => i === 0 || n > 0).map(([n, unit]) => `${n}${NBSP}${unit}`).join(' ');
}
