// The time line of a room: a pure reducer. Stored events stand in the order of the stream, what only this page saw stands
// among them by its time.
import type { AlertView } from '../wire/alert';
import type { RoomEvent } from './event';

/** Something of this session alone: what happened to the link, a panel that appeared. */
export interface SessionEntry {
  readonly kind: 'session';
  readonly key: string;
  readonly at: number;
  readonly glyph: string;
  readonly words: string;
}

/** Someone came or left while this page looked; a name of '' is someone unnamed. */
export interface VisitEntry {
  readonly kind: 'visit';
  readonly key: string;
  readonly at: number;
  readonly who: string;
  readonly name: string;
  readonly came: boolean;
}

/** An alert that fires and whose event is not stored yet. */
export interface AheadEntry {
  readonly kind: 'ahead';
  readonly key: string;
  /** When it fired, ms. */
  readonly at: number;
  readonly alert: AlertView;
}

export type Entry = RoomEvent | SessionEntry | VisitEntry | AheadEntry;

export interface TimeLine {
  readonly entries: readonly Entry[];
  /** Names the stream; offsets of another one mean nothing here. Empty before the first page. */
  readonly epoch: string;
  /** Whether nothing stored is older than what is here. */
  readonly fromStart: boolean;
  /** Whether nothing stored is newer than what is here: then new events join at the end. */
  readonly toEnd: boolean;
  /** Offset of the newest event of the stream, as far as this page knows. */
  readonly newest: number;
}

export const EMPTY: TimeLine = { entries: [], epoch: '', fromStart: false, toEnd: true, newest: 0 };

/** A page of the stream, its events oldest first. `complete` says that nothing lies beyond it on the side it was read to. */
export interface Page {
  readonly epoch: string;
  readonly newest: number;
  readonly events: readonly RoomEvent[];
  readonly complete: boolean;
}

export function isStored(entry: Entry): entry is RoomEvent {
  return entry.kind !== 'session' && entry.kind !== 'visit' && entry.kind !== 'ahead';
}

/** Gives the offset of the oldest event that is here, or null before the first. */
export function oldestOffset(line: TimeLine): number | null {
  return line.entries.find(isStored)?.offset ?? null;
}

export function newestOffset(line: TimeLine): number | null {
  return line.entries.findLast(isStored)?.offset ?? null;
}

/** Takes one event as it happens. What is known already changes nothing. */
export function withEvent(line: TimeLine, event: RoomEvent): TimeLine {
  const newest = Math.max(line.newest, event.offset);
  if (!line.toEnd) return newest === line.newest ? line : { ...line, newest };
  const entries = inserted(line.entries, [event]);
  return entries === line.entries && newest === line.newest ? line : { ...line, entries, newest };
}

/**
 * Takes the newest page: at first, and when the stream could not be recovered. What this page saw itself stays; stored
 * events stay only when the page reaches back to them, so that there is no hole.
 */
export function withNewest(line: TimeLine, page: Page): TimeLine {
  const known = newestOffset(line);
  const first = page.events[0];
  const joins = line.epoch === page.epoch && known !== null && (page.complete || (first !== undefined && first.offset <= known + 1));
  const kept = joins ? line.entries : line.entries.filter(entry => !isStored(entry));
  const entries = inserted(kept, page.events);
  return { entries, epoch: page.epoch, fromStart: joins ? line.fromStart || page.complete : page.complete, toEnd: true, newest: page.newest };
}

export function withOlder(line: TimeLine, page: Page): TimeLine {
  if (page.epoch !== line.epoch) return line;
  return { ...line, entries: inserted(line.entries, page.events), fromStart: page.complete };
}

export function withNewer(line: TimeLine, page: Page): TimeLine {
  if (page.epoch !== line.epoch) return line;
  return { ...line, entries: inserted(line.entries, page.events), toEnd: page.complete, newest: Math.max(line.newest, page.newest) };
}

/** Takes what is not of the stream, by its time. */
export function withOwn(line: TimeLine, own: SessionEntry | VisitEntry | AheadEntry): TimeLine {
  const at = line.entries.findLastIndex(entry => entry.at <= own.at) + 1;
  return { ...line, entries: line.entries.toSpliced(at, 0, own) };
}

/** Gives who came unnamed the name that they gave afterwards. */
export function withNamed(line: TimeLine, before: string, who: string, name: string): TimeLine {
  if (!line.entries.some(entry => entry.kind === 'visit' && entry.who === before)) return line;
  return { ...line, entries: line.entries.map(entry => (entry.kind === 'visit' && entry.who === before ? { ...entry, who, name } : entry)) };
}

/** Drops entries from one end; they can be loaded again. */
export function trimmed(line: TimeLine, count: number, side: 'old' | 'new'): TimeLine {
  if (count <= 0) return line;
  const [cut, entries] = side === 'old' ? [line.entries.slice(0, count), line.entries.slice(count)] : [line.entries.slice(-count), line.entries.slice(0, -count)];
  const lost = cut.some(isStored);
  return { ...line, entries, fromStart: line.fromStart && !(lost && side === 'old'), toEnd: line.toEnd && !(lost && side === 'new') };
}

/** Puts events, oldest first, where they belong; each is here once. Gives the same list when all are known. */
function inserted(entries: readonly Entry[], events: readonly RoomEvent[]): readonly Entry[] {
  const known = new Set(entries.map(entry => entry.key));
  const next = [...entries];
  for (const event of events) {
    if (known.has(event.key)) continue;
    known.add(event.key);
    next.splice(placeOf(next, event), 0, event);
  }
  return next.length === entries.length ? entries : next;
}

/** After the event before it in the stream, and after what this page saw before it happened. */
function placeOf(entries: readonly Entry[], event: RoomEvent): number {
  let at = entries.length;
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (!entry || (isStored(entry) ? entry.offset < event.offset : entry.at <= event.at && !laterStored(entries, i, event))) break;
    at = i;
  }
  return at;
}

/** Whether a stored event that is newer than `event` stands before the place `i`. */
function laterStored(entries: readonly Entry[], i: number, event: RoomEvent): boolean {
  for (let k = i - 1; k >= 0; k--) {
    const entry = entries[k];
    if (entry && isStored(entry)) return entry.offset > event.offset;
  }
  return false;
}
