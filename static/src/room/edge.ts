// What the folded room still says: the rail of a desk, and the top of a phone's sheet.
import type { AlertState } from '../alerts/state';
import { shown } from '../data/names';
import { need, write, iconHref } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import { valueWords } from './cardwords';
import type { Entry } from './timeline';

/** Characters of the last message that are shown. */
const LAST_MAX = 200;

/** Gives the alerts of a room that fire and that count: not silenced, not inhibited; the most severe first, then the newest. */
export function countedOf(alerts: Iterable<AlertView>, room: string): AlertView[] {
  const firing = [...alerts].filter(alert => alert.state === 'firing' && !alert.inhibited && alert.silences.length === 0 && (alert.rooms.includes(room) || alert.panels.has(room)));
  const rank = (alert: AlertView): number => (alert.severity === 'critical' ? 0 : 1);
  return firing.sort((a, b) => rank(a) - rank(b) || (b.fired ?? 0) - (a.fired ?? 0));
}

export class RoomEdge {
  readonly #peekGlyph: SVGElement;
  readonly #peekTitle: HTMLElement;
  readonly #peekLast: HTMLElement;
  readonly #counts: readonly HTMLElement[];
  readonly #railGlyph: SVGElement;
  readonly #room: string;
  readonly #alerts: AlertState;
  readonly #texts: Texts;

  constructor(root: ParentNode, room: string, alerts: AlertState, texts: Texts) {
    const peek = need('.sheet-peek', root);
    this.#peekGlyph = need<SVGElement>('.glyph', peek);
    this.#peekTitle = need('[data-peek]', peek);
    this.#peekLast = need('small', peek);
    this.#counts = [...root.querySelectorAll<HTMLElement>('[data-unread]')];
    this.#railGlyph = need<SVGElement>('.rail .glyph', root);
    this.#room = room;
    this.#alerts = alerts;
    this.#texts = texts;
  }

  unread(count: number): void {
    const words = count > 99 ? '99+' : `${count}`;
    for (const place of this.#counts) {
      place.hidden = count === 0;
      write(place.firstElementChild, words);
    }
  }

  /** The last message, in one line. */
  last(entries: readonly Entry[]): void {
    const last = entries.findLast(entry => entry.kind === 'comment');
    write(this.#peekLast, last ? `${shown(last.by.name)}: ${shown(last.text.slice(0, LAST_MAX).replaceAll(/\s+/g, ' '))}` : this.#texts.talk.nobodyWrote);
  }

  /** What fires here now. */
  firing(): void {
    const { talk } = this.#texts;
    const firing = countedOf(this.#alerts.all(), this.#room);
    const first = firing[0];
    this.#dress(this.#peekGlyph, first);
    this.#dress(this.#railGlyph, first);
    this.#railGlyph.toggleAttribute('hidden', first === undefined);
    this.#railGlyph.setAttribute('aria-label', talk.firingCount(firing.length));
    if (!first) {
      write(this.#peekTitle, talk.nothingFires);
      return;
    }
    const value = valueWords(this.#alerts.valueOf(first.id), first, this.#texts);
    write(this.#peekTitle, firing.length === 1 ? `${shown(first.name)}, ${value}` : `${shown(first.name)}, ${value}, +${firing.length - 1}`);
  }

  #dress(glyph: SVGElement, first: AlertView | undefined): void {
    glyph.setAttribute('class', `glyph ${first ? `is-${first.severity}` : 'is-quiet'}`);
    const href = iconHref(first ? `g-${first.severity}` : 'g-people');
    const use = glyph.querySelector('use');
    if (use?.getAttribute('href') !== href) use?.setAttribute('href', href);
  }
}
