// Keeps a time line in step with the stream of its room: the newest page, what happens, and older pages on request.
import { isFields, number } from '../wire/parse';
import type { Past, RoomChannel } from './channel';
import { eventOf, type RoomEvent } from './event';
import {
  EMPTY, newestOffset, oldestOffset, trimmed, withEvent, withNamed, withNewer, withNewest, withOlder, withOwn, type Page, type SessionEntry, type TimeLine, type VisitEntry,
} from './timeline';

export interface StreamWatcher {
  changed(line: TimeLine): void;
  /** An event happened now; those of the past are not told. */
  happened(event: RoomEvent): void;
  /** The newest page is here; `stood` is the offset of the newest event that did not happen while it was on its way. */
  opened(line: TimeLine, stood: number): void;
}

/** Events of one page. */
export const PAGE = 50;

/** Most entries held while nobody looks: the page drops some much earlier, when it draws. */
const ENTRIES_MAX = 1_000;

/** Wait before the newest page is asked for again, ms. */
const AGAIN_MS = 2_000;

/** The server's code for a position that its history does not reach. */
const UNRECOVERABLE = 112;

export class RoomStream {
  readonly #channel: RoomChannel;
  readonly #watcher: StreamWatcher;
  readonly #later: (ms: number, act: () => void) => void;
  #line: TimeLine = EMPTY;
  /** What happened while the newest page was on its way; null when none is. */
  #waiting: RoomEvent[] | null = null;
  #asking: 'older' | 'newer' | null = null;
  #round = 0;

  constructor(channel: RoomChannel, watcher: StreamWatcher, later: (ms: number, act: () => void) => void) {
    this.#channel = channel;
    this.#watcher = watcher;
    this.#later = later;
  }

  get line(): TimeLine {
    return this.#line;
  }

  /** Whether an older or newer page is on its way. */
  get busy(): boolean {
    return this.#asking !== null;
  }

  joined(whole: boolean): void {
    if (!whole || this.#line.epoch === '') void this.newest();
  }

  published(data: unknown, offset: number): void {
    const event = eventOf(data, offset);
    if (!event) return;
    if (this.#waiting) this.#waiting.push(event);
    else this.#take(event);
  }

  add(own: SessionEntry | VisitEntry): void {
    this.#set(withOwn(this.#line, own));
  }

  /** Someone who came unnamed gave a name. */
  named(before: string, who: string, name: string): void {
    this.#set(withNamed(this.#line, before, who, name));
  }

  trim(count: number, side: 'old' | 'new'): void {
    this.#set(trimmed(this.#line, count, side));
  }

  /** Reads the newest page; what happens meanwhile follows it. */
  async newest(): Promise<void> {
    const round = ++this.#round;
    this.#waiting ??= [];
    let past: Past | null = null;
    try {
      past = await this.#channel.history({ limit: PAGE, reverse: true });
    } catch (error) {
      if (round === this.#round && isTemporary(error)) this.#later(AGAIN_MS, () => { if (round === this.#round) void this.newest(); });
    }
    if (round !== this.#round) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (past) this.#set(withNewest(this.#line, pageOf(past, true)));
    for (const event of waiting) this.#take(event);
    if (past) this.#watcher.opened(this.#line, waiting[0] ? waiting[0].offset - 1 : this.#line.newest);
  }

  /** Reads the page before the oldest event; tells whether there was one to read. */
  async older(): Promise<boolean> {
    const oldest = oldestOffset(this.#line);
    if (oldest === null || this.#line.fromStart) return false;
    return this.#page('older', { limit: PAGE, reverse: true, since: { offset: oldest, epoch: this.#line.epoch } });
  }

  /** Reads the page after the newest event that is here, when newer ones were dropped. */
  async newer(): Promise<boolean> {
    const newest = newestOffset(this.#line);
    if (newest === null || this.#line.toEnd) return false;
    return this.#page('newer', { limit: PAGE, since: { offset: newest, epoch: this.#line.epoch } });
  }

  async #page(side: 'older' | 'newer', options: { limit: number; reverse?: boolean; since: { offset: number; epoch: string } }): Promise<boolean> {
    if (this.#asking !== null || this.#waiting !== null) return false;
    this.#asking = side;
    const round = this.#round;
    try {
      const past = await this.#channel.history(options);
      if (round !== this.#round) return false;
      this.#asking = null;
      this.#set(side === 'older' ? withOlder(this.#line, pageOf(past, true)) : withNewer(this.#line, pageOf(past, false)));
      return true;
    } catch (error) {
      if (isFields(error) && number(error['code']) === UNRECOVERABLE && side === 'newer') void this.newest();
      return false;
    } finally {
      this.#asking = null;
    }
  }

  #take(event: RoomEvent): void {
    const before = this.#line;
    const next = withEvent(before, event);
    this.#set(next.entries.length > ENTRIES_MAX ? trimmed(next, next.entries.length - ENTRIES_MAX / 2, 'old') : next);
    if (this.#line !== before) this.#watcher.happened(event);
  }

  #set(line: TimeLine): void {
    if (line === this.#line) return;
    this.#line = line;
    this.#watcher.changed(line);
  }
}

/** Refusals that time mends: the link broke, or the server was busy. */
function isTemporary(error: unknown): boolean {
  const code = isFields(error) ? number(error['code']) : null;
  return code === null || code < 100 || (isFields(error) && error['temporary'] === true);
}

/** A page that is shorter than it may be ends where the stream does. */
function pageOf(past: Past, reversed: boolean): Page {
  const publications = reversed ? past.publications.toReversed() : past.publications;
  const events = publications.map(({ data, offset }) => eventOf(data, offset)).filter(event => event !== null);
  return { epoch: past.epoch, newest: past.newest, events, complete: past.publications.length < PAGE };
}
