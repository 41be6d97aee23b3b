// One connection in the table.
import { shown } from '../data/names';
import { duration } from '../format/time';
import { bar, el, icon, setBar, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { ConnectionView } from '../wire/server';
import { connectionHash } from './place';
import { narrow, type Row } from './table';
import { bytesPerSecond, count, kibi, rateOf, QUEUE_MOST, shortClient, transportOf, whoOf } from './words';

/** What a row knows beside its view. */
export interface ConnectionFacts {
  readonly texts: Texts;
  readonly now: () => number;
  /** The client of this very page. */
  readonly own: () => string;
  /** Whether there are more nodes than one to tell apart. */
  readonly many: () => boolean;
  /** Messages and bytes a second; null until two answers came. */
  readonly rates: (client: string) => readonly number[] | null;
}

/** Writes what tells a connection apart from others of its name. */
function aside(view: ConnectionView, facts: ConnectionFacts): string {
  const { server } = facts.texts;
  const user = view.name !== '' && view.user !== '' && !view.page ? shown(view.user) : '';
  const page = view.client === facts.own() ? server.thisPage : view.page ? server.aPage : '';
  return [user, page, facts.many() ? shown(view.node) : ''].filter(word => word !== '').join(' · ');
}

export class ConnectionRow implements Row<ConnectionView> {
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
  readonly #facts: ConnectionFacts;
  readonly #aside = el('span');
  readonly #via = el('td', { class: 'via text-2' });
  readonly #first = el('span', { class: 'first' });
  readonly #more = el('span', { class: 'text-3' });
  readonly #bar = bar(0, 'fill');
  readonly #waits = el('b');
  readonly #slow = el('span');
  readonly #slowLine: HTMLElement;
  readonly #rate = el('span');
  readonly #bytes = el('td', { class: 'n bytes text-2' });
  readonly #messages = el('td', { class: 'n messages text-2' });
  readonly #since = el('span');

  constructor(client: string, facts: ConnectionFacts) {
    this.#facts = facts;
    this.link = el('a', { class: 'rule-name', href: connectionHash(client) });
    this.#slowLine = el('span', { class: 'slow' }, icon('i-slow'), this.#slow);
    const id = el('code', { title: shown(client) }, shortClient(client));
    this.element = el('tr', {}, el('td', { class: 'what' }, this.link, el('span', { class: 'sub' }, id, ' ', this.#aside)), this.#via,
      el('td', { class: 'chans' }, el('span', { class: 'chan-cell' }, this.#first, this.#more)),
      el('td', { class: 'queue' }, el('span', { class: 'cell-bar' }, this.#bar, this.#waits), this.#slowLine),
      el('td', { class: 'n rate' }, narrow(facts.texts.server.narrow.rate), this.#rate), this.#bytes, this.#messages,
      el('td', { class: 'n since' }, narrow(facts.texts.server.narrow.since), this.#since));
  }

  write(view: ConnectionView): void {
    const { texts, now, rates } = this.#facts;
    const { server, units } = texts;
    const [messages = null, bytes = null] = rates(view.client) ?? [];
    write(this.link, whoOf(view, texts));
    write(this.#aside, aside(view, this.#facts));
    write(this.#via, transportOf(view, texts));
    write(this.#first, view.channels[0] === undefined ? server.none : shown(view.channels[0]));
    write(this.#more, view.channelsTotal > 1 ? server.moreChannels(count(view.channelsTotal - 1)) : '');
    setBar(this.#bar, view.queueBytes / QUEUE_MOST);
    write(this.#waits, kibi(view.queueBytes));
    this.#slowLine.hidden = view.slowed === null;
    this.element.classList.toggle('is-slow', view.slowed !== null);
    if (view.slowed !== null) write(this.#slow, server.slowed(count(view.slowed)));
    write(this.#rate, rateOf(messages, texts));
    write(this.#bytes, bytesPerSecond(bytes, texts));
    write(this.#messages, count(view.messages));
    write(this.#since, duration(now() - view.since, units));
  }
}
