// When alerts of a panel were pending and firing, as stretches of its plot that do not cover each other.
import type { AlertView, Severity } from '../wire/alert';

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly kind: 'pending' | 'firing';
  readonly severity: Severity;
}

/** Worst first: what is worse covers what is not. */
const LAYERS: readonly (readonly [Band['kind'], Severity])[] = [['firing', 'critical'], ['firing', 'warning'], ['pending', 'critical'], ['pending', 'warning']];

type Stretch = readonly [number, number];

/** Gives the stretches of one alert; one that lives lasts until `now`. */
export function stretchesOf(alert: AlertView, now: number): Band[] {
  const { severity, since, fired } = alert;
  const end = alert.state === 'pending' || alert.state === 'firing' ? now : alert.resolved ?? fired ?? since;
  const bands: Band[] = [{ from: since, to: Math.min(fired ?? end, end), kind: 'pending', severity }];
  if (fired !== null) bands.push({ from: fired, to: end, kind: 'firing', severity });
  return bands.filter(band => band.to > band.from);
}

/** Gives the bands of a panel within a stretch of time, in order of time. */
export function bandsOf(alerts: Iterable<AlertView>, now: number, from: number, to: number): Band[] {
  const all = [...alerts].filter(alert => !alert.inhibited).flatMap(alert => stretchesOf(alert, now))
    .map(band => ({ ...band, from: Math.max(band.from, from), to: Math.min(band.to, to) })).filter(band => band.to > band.from);
  const found: Band[] = [];
  let covered: readonly Stretch[] = [];
  for (const [kind, severity] of LAYERS) {
    const layer = united(all.filter(band => band.kind === kind && band.severity === severity).map(band => [band.from, band.to] as const));
    for (const [start, end] of layer.flatMap(stretch => without(stretch, covered))) found.push({ from: start, to: end, kind, severity });
    covered = united([...covered, ...layer]);
  }
  return found.sort((a, b) => a.from - b.from);
}

/** Joins stretches that touch, in order of time. */
function united(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const [from, to] of stretches.toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1]) joined[joined.length - 1] = [last[0], Math.max(last[1], to)];
    else joined.push([from, to]);
  }
  return joined;
}

/** Cuts from a stretch what is covered; `covered` is in order and does not touch. */
function without([from, to]: Stretch, covered: readonly Stretch[]): Stretch[] {
  const left: Stretch[] = [];
  let at = from;
  for (const [start, end] of covered) {
    if (end <= at || start >= to) continue;
    if (start > at) left.push([at, start]);
    at = Math.max(at, end);
  }
  if (at < to) left.push([at, to]);
  return left;
}
