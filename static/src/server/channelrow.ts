// One channel in the table.
import { shown } from '../data/names';
import { el, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { ChannelRow as ChannelFacts } from '../wire/server';
import { channelHash } from './place';
import { narrow, type Row } from './table';
import { count, rateOf } from './words';

export class ChannelRow implements Row<ChannelFacts> {
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
  readonly #texts: Texts;
  readonly #rates: (channel: string) => readonly number[] | null;
  readonly #kind = el('td', { class: 'kind text-2' });
  readonly #subscribers = el('b');
  readonly #nodes = el('td', { class: 'n nodes text-2' });
  readonly #rate = el('span');
  readonly #messages = el('td', { class: 'n messages text-2' });

  constructor(channel: string, texts: Texts, rates: (channel: string) => readonly number[] | null) {
    this.#texts = texts;
    this.#rates = rates;
    this.link = el('a', { class: 'rule-name mono', href: channelHash(channel) }, shown(channel));
    this.element = el('tr', {}, el('td', { class: 'what' }, this.link), this.#kind,
      el('td', { class: 'n subscribers' }, narrow(texts.server.narrow.subscribers), this.#subscribers), this.#nodes,
      el('td', { class: 'n rate' }, narrow(texts.server.narrow.rate), this.#rate), this.#messages);
  }

  write(view: ChannelFacts): void {
    const { server } = this.#texts;
    const [rate = null] = this.#rates(view.channel) ?? [];
    write(this.#kind, [...(view.own ? [server.own] : []), ...(view.kept ? [server.kept] : [])].join(', '));
    write(this.#subscribers, count(view.subscribers));
    write(this.#nodes, count(view.nodes));
    write(this.#rate, rateOf(rate, this.#texts));
    write(this.#messages, count(view.messages));
  }
}
