// Cards of alerts that fire and whose events are not in the time line yet: what stands is told at once, what happened is
// told when it is stored. An operator must not wait for a disk.
import type { AlertView } from '../wire/alert';
import { isStored, withOwn, type AheadEntry, type TimeLine } from './timeline';

/** Adds what fires in this room and is not told yet, each at the time when it fired. */
export function withAhead(line: TimeLine, alerts: Iterable<AlertView>, room: string): TimeLine {
  if (line.epoch === '' || !line.toEnd) return line;
  const told = new Map(line.entries.flatMap(entry => (entry.kind === 'alert' ? [[entry.alert.id, entry]] : [])));
  // What fired before the oldest event that is here may be told in one that is not.
  const from = line.fromStart ? -Infinity : line.entries.find(isStored)?.at ?? Infinity;
  let next = line;
  for (const alert of alerts) {
    const { fired } = alert;
    if (alert.state !== 'firing' || fired === null || fired < from || alert.inhibited || !alert.rooms.includes(room)) continue;
    const last = told.get(alert.id);
    // Another node may have told the end of it already.
    if (last && last.alert.state !== 'pending' && (last.alert.state === 'firing' || last.at >= fired)) continue;
    next = withOwn(next, entryOf(alert, fired));
  }
  return next;
}

function entryOf(alert: AlertView, at: number): AheadEntry {
  return { kind: 'ahead', key: `ahead:${alert.id}`, at, alert };
}
