// From entries to what is written: dividers of time, the mark of what is new, and visits folded into one line.
import type { AckEvent, AlertEvent, AlertMoment, CommentEvent, SilenceEvent } from './event';
import { isStored, type AheadEntry, type Entry, type SessionEntry, type TimeLine, type VisitEntry } from './timeline';

export type Row =
  | { readonly kind: 'start'; readonly key: string }
  | { readonly kind: 'day' | 'time'; readonly key: string; readonly at: number }
  | { readonly kind: 'new'; readonly key: string }
  | { readonly kind: 'comment'; readonly key: string; readonly event: CommentEvent }
  | { readonly kind: 'alert'; readonly key: string; readonly event: AlertMoment; readonly ended: AlertEvent | null }
  | { readonly kind: 'deed'; readonly key: string; readonly event: AckEvent | SilenceEvent }
  | { readonly kind: 'session'; readonly key: string; readonly entry: SessionEntry }
  | { readonly kind: 'visits'; readonly key: string; readonly visits: readonly VisitEntry[] };

/** A quiet of so long gets the time written over what ends it, ms. */
const QUIET_MS = 15 * 60_000;

/** A reason that is given so soon after the ack is told in one line with it, ms. */
const REASON_MS = 60_000;

/** Gives the rows of a time line. `mark` is the offset after which events are new, null for none; `dayOf` tells local days apart. */
export function rowsOf(line: TimeLine, mark: number | null, dayOf: (at: number) => number): Row[] {
  const rows: Row[] = line.fromStart ? [{ kind: 'start', key: 'start' }] : [];
  const ends = endsOf(line.entries);
  let before: Entry | null = null;
  let marked = mark === null;
  const days = new Set<number>();
  const cards = new Set<string>();
  for (const entry of line.entries) {
    if (before === null || dayOf(before.at) !== dayOf(entry.at)) rows.push(dayRow(days, dayOf(entry.at), entry));
    else if (entry.at - before.at >= QUIET_MS) rows.push({ kind: 'time', key: `time ${entry.key}`, at: entry.at });
    if (!marked && mark !== null && isStored(entry) && entry.offset > mark) {
      marked = true;
      rows.push({ kind: 'new', key: 'new' });
    }
    if (!explained(rows, entry)) push(rows, entry, ends, cards);
    before = entry;
  }
  return rows;
}

/** Gives the ack of before its reason, when this entry is the same ack said once more with one; tells whether it was. */
function explained(rows: Row[], entry: Entry): boolean {
  if (entry.kind !== 'ack' || entry.reason === '') return false;
  const at = rows.findLastIndex(row => row.kind === 'deed' && 'alert' in row.event && row.event.alert === entry.alert);
  const row = rows[at];
  if (row?.kind !== 'deed' || row.event.kind !== 'ack' || row.event.by.id !== entry.by.id || row.event.reason !== '' || entry.at - row.event.at > REASON_MS) return false;
  rows[at] = { ...row, event: { ...row.event, reason: entry.reason } };
  return true;
}

/** A day is known by itself: older entries of it move its row. One that comes again, when a clock was set, is another row. */
function dayRow(days: Set<number>, day: number, entry: Entry): Row {
  const key = days.has(day) ? `day ${day} ${entry.key}` : `day ${day}`;
  days.add(day);
  return { kind: 'day', key, at: entry.at };
}

/** Whether a row stays where it is when older ones join; dividers move or go. */
export function isPlaced(row: Row): boolean {
  return !['start', 'day', 'time', 'new'].includes(row.kind);
}

function push(rows: Row[], entry: Entry, ends: ReadonlyMap<string, AlertEvent>, cards: Set<string>): void {
  const last = rows.at(-1);
  switch (entry.kind) {
    case 'comment': rows.push({ kind: 'comment', key: entry.key, event: entry }); break;
    case 'alert': rows.push({ kind: 'alert', key: cardKey(cards, entry), event: entry, ended: ends.get(entry.key) ?? null }); break;
    case 'ahead': rows.push({ kind: 'alert', key: cardKey(cards, entry), event: entry, ended: null }); break;
    case 'session': rows.push({ kind: 'session', key: entry.key, entry }); break;
    case 'visit':
      if (last?.kind === 'visits') rows[rows.length - 1] = { ...last, visits: [...last.visits, entry] };
      else rows.push({ kind: 'visits', key: `visits ${entry.key}`, visits: [entry] });
      break;
    default: rows.push({ kind: 'deed', key: entry.key, event: entry });
  }
}

/** What fires is known by its alert and by when it began, so that the card stays the same when its event is stored. */
function cardKey(cards: Set<string>, { key, alert }: AlertEvent | AheadEntry): string {
  const card = `fires ${alert.id} ${alert.fired}`;
  if (alert.state !== 'firing' || alert.fired === null || cards.has(card)) return key;
  cards.add(card);
  return card;
}

/** Gives for each event of an alert that fired the next event of the same alert: what ended it. */
function endsOf(entries: readonly Entry[]): Map<string, AlertEvent> {
  const firing = new Map<string, AlertEvent>();
  const ends = new Map<string, AlertEvent>();
  for (const entry of entries) {
    if (entry.kind !== 'alert') continue;
    const before = firing.get(entry.alert.id);
    if (before) ends.set(before.key, entry);
    if (entry.alert.state === 'firing') firing.set(entry.alert.id, entry);
    else firing.delete(entry.alert.id);
  }
  return ends;
}

/** Who came and who left in a fold, as far as it matters in the end: who came and left again, or went and came back, is named once. */
export interface VisitSum {
  readonly came: readonly string[];
  readonly left: readonly string[];
  readonly unnamedCame: number;
  readonly unnamedLeft: number;
}

export function sumOf(visits: readonly VisitEntry[]): VisitSum {
  const last = new Map(visits.map(visit => [visit.who, visit]));
  const named = (came: boolean): string[] => [...last.values()].filter(visit => visit.came === came && visit.name !== '').map(visit => visit.name);
  const unnamed = (came: boolean): number => [...last.values()].filter(visit => visit.came === came && visit.name === '').length;
  return { came: named(true), left: named(false), unnamedCame: unnamed(true), unnamedLeft: unnamed(false) };
}
