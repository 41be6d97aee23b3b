// What happened in this session: to the link, to disks, to panels. Lines of the time line, in the place of their time.
import { clock, duration } from '../format/time';
import type { Outage } from '../live/link';
import type { Texts } from '../texts/texts';
import type { SessionEntry } from '../room/timeline';

export class SessionLog {
  readonly #texts: Texts;
  readonly #add: (entry: SessionEntry) => void;
  readonly #outages: Outage[] = [];
  #count = 0;

  /** `add` takes each line to the time line. */
  constructor(texts: Texts, add: (entry: SessionEntry) => void) {
    this.#texts = texts;
    this.#add = add;
  }

  /** Gives how many times the link was lost in this session. */
  get gaps(): number {
    return this.#outages.length;
  }

  /** Gives the outages of this session in words. */
  get gapWords(): string {
    const words = this.#outages.slice(-3).map(outage => `${clock(outage.from)}–${clock(outage.to)}`).join(', ');
    return words === '' ? '' : `${this.#outages.length}: ${words}`;
  }

  outage(outage: Outage): void {
    this.#outages.push(outage);
    const { room, units } = this.#texts;
    this.add('g-none', room.notConnected(clock(outage.from), clock(outage.to), duration(outage.to - outage.from, units)), outage.to);
  }

  add(glyph: string, words: string, at: number): void {
    this.#add({ kind: 'session', key: `session ${++this.#count}`, at, glyph, words });
  }
}
