// What of a room was seen on this device: kept over visits, and counted.
import type { Keep } from './outbox';
import type { RoomEvent } from './event';
import { readMark, readMarkText } from './readmark';
import { isStored, newestOffset, type TimeLine } from './timeline';
import { heard, opened, sighted, type Unread } from './unread';

export class Seen {
  readonly #keep: Keep;
  readonly #isMine: (event: RoomEvent) => boolean;
  #unread: Unread = { read: null, mark: null, inSight: false };

  /** `isMine` tells what its own reader wrote: that is never new. */
  constructor(keep: Keep, isMine: (event: RoomEvent) => boolean) {
    this.#keep = keep;
    this.#isMine = isMine;
  }

  /** Offset after which events are new; null for none. */
  get mark(): number | null {
    return this.#unread.mark;
  }

  /** The newest page is here; `stood` is the newest event that happened before the page joined. */
  opened(line: TimeLine, stood: number): void {
    this.#set(opened(this.#unread, readMark(this.#keep.read(), line.epoch), line.newest, stood), line);
  }

  heard(event: RoomEvent, line: TimeLine): void {
    this.#set(heard(this.#unread, event.offset, this.#isMine(event)), line);
  }

  sighted(inSight: boolean, line: TimeLine): void {
    this.#set(sighted(this.#unread, inSight, line.newest), line);
  }

  /** Gives how many events are unread: what others wrote, alerts that fired or ended, and all that is not loaded. */
  count(line: TimeLine): number {
    const { read } = this.#unread;
    if (read === null) return 0;
    const away = line.toEnd ? 0 : Math.max(0, line.newest - Math.max(read, newestOffset(line) ?? 0));
    return away + line.entries.filter(entry => isStored(entry) && entry.offset > read && this.#counts(entry)).length;
  }

  #counts(event: RoomEvent): boolean {
    if (event.kind === 'alert') return event.alert.state === 'firing' || event.alert.state === 'resolved';
    return event.kind === 'comment' && !this.#isMine(event);
  }

  #set(unread: Unread, { epoch }: TimeLine): void {
    const before = this.#unread.read;
    this.#unread = unread;
    if (unread.read !== null && unread.read !== before && epoch !== '') this.#keep.write(readMarkText(epoch, unread.read));
  }
}
