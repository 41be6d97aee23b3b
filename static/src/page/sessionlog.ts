// The time line of this session: what happened to the link and in the room, one line each.
import { clock, clockUtc, duration } from '../format/time';
import type { Outage } from '../live/link';
import type { Texts } from '../texts/texts';
import { el, icon, need, write } from './dom';

/** Lines kept on the page. */
const LINES_MAX = 200;

export class SessionLog {
  readonly #list: HTMLElement;
  readonly #box: HTMLElement;
  readonly #last: HTMLElement | null;
  readonly #texts: Texts;
  readonly #outages: Outage[] = [];

  constructor(root: ParentNode, texts: Texts) {
    this.#list = need('.log-list', root);
    this.#box = need('.log', root);
    this.#last = root.querySelector('.sheet-peek small');
    this.#texts = texts;
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

  /** Adds a line. Someone who reads back is left where they read. */
  add(glyph: string, words: string, at: number): void {
    const mark = icon(glyph);
    mark.classList.add('is-quiet');
    const time = el('time', { datetime: new Date(at).toISOString(), title: clockUtc(at) }, clock(at));
    const atEnd = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 24;
    this.#list.append(el('li', { class: 'event-line' }, mark, el('span', {}, words), time));
    while (this.#list.childElementCount > LINES_MAX) this.#list.firstElementChild?.remove();
    if (atEnd) this.#box.scrollTop = this.#box.scrollHeight;
    write(this.#last, words);
  }
}
