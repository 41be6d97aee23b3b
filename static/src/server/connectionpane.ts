// One connection, opened: how it keeps up, all that is known of it, and its end.
import { moment } from '../alerts/words';
import { shown } from '../data/names';
import { clock, clockUtc, duration } from '../format/time';
import { bar, el, need, setBar, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { ConnectionView } from '../wire/server';
import { askDisconnect } from './disconnect';
import { Facts } from './facts';
import { channelHash } from './place';
import { bytes, bytesPerSecond, count, kibi, namesOf, paceOf, rateOf, QUEUE_MOST, transportOf, whoOf } from './words';

/** What is known of the connection that is opened. */
export type Found =
  | { readonly kind: 'looking' }
  | { readonly kind: 'here'; readonly view: ConnectionView }
  /** `silent`: nodes that did not answer; it may be at one of them. */
  | { readonly kind: 'gone'; readonly silent: readonly string[] };

export interface ConnectionParts {
  readonly texts: Texts;
  readonly call: (method: string, request: unknown) => Promise<unknown>;
  readonly now: () => number;
  readonly own: () => string;
  readonly rates: (client: string) => readonly number[] | null;
  /** Something was done: what is shown is old. */
  readonly done: () => void;
}

export class ConnectionPane {
  readonly #root: HTMLElement;
  readonly #parts: ConnectionParts;
  readonly #name: HTMLElement;
  readonly #says: HTMLElement;
  readonly #disconnect: HTMLButtonElement;
  readonly #result: HTMLElement;
  readonly #facts = new Facts();
  readonly #bar = bar(0, 'fill');
  readonly #waits = el('span');
  readonly #since = el('time');
  readonly #channels: HTMLElement;
  #client = '';
  /** The last that was known, and when. */
  #last: { readonly view: ConnectionView; readonly at: number } | null = null;
  #listed = '';

  constructor(root: HTMLElement, parts: ConnectionParts) {
    this.#root = root;
    this.#parts = parts;
    this.#name = need('#connection-name', root);
    this.#says = need('[data-says]', root);
    this.#disconnect = need<HTMLButtonElement>('[data-disconnect]', root);
    this.#result = need('[data-result]', root);
    const { facts } = parts.texts.server.connection;
    for (const key of ['client', 'user', 'name', 'node', 'transport'] as const) this.#facts.add(key, facts[key]);
    this.#facts.add('waiting', facts.waiting, el('span', { class: 'waits' }, this.#waits, this.#bar));
    for (const key of ['steps', 'messages', 'bytes'] as const) this.#facts.add(key, facts[key]);
    this.#facts.add('since', facts.since, this.#since);
    this.#channels = this.#facts.add('channels', facts.channels, el('ul', { class: 'chan-list' }));
    need('[data-facts]', root).append(this.#facts.element);
    this.#disconnect.addEventListener('click', () => this.#ask());
  }

  /** Shows a connection, or none. */
  show(client: string | null, found: Found): void {
    this.#root.hidden = client === null;
    if (client === null) return;
    if (client !== this.#client) {
      this.#client = client;
      this.#last = null;
      write(this.#result, '');
    }
    if (found.kind === 'here') this.#last = { view: found.view, at: this.#parts.now() };
    const { connection: words } = this.#parts.texts.server;
    const view = this.#last?.view ?? null;
    write(this.#name, view ? whoOf(view, this.#parts.texts) : shown(client));
    this.#facts.element.hidden = view === null;
    this.#disconnect.hidden = found.kind !== 'here';
    this.#root.classList.toggle('is-slow', found.kind === 'here' && found.view.slowed !== null);
    if (found.kind === 'looking') write(this.#says, words.looking);
    else if (found.kind === 'here') write(this.#says, paceOf(found.view, this.#parts.texts));
    else write(this.#says, this.#goneWords(found.silent));
    if (view) this.#write(view);
  }

  #goneWords(silent: readonly string[]): string {
    const { texts } = this.#parts;
    const { connection: words } = texts.server;
    const gone = this.#last ? words.gone(clock(this.#last.at)) : words.unknown;
    return silent.length === 0 ? gone : `${gone} ${words.silent(namesOf(silent, texts))}`;
  }

  #write(view: ConnectionView): void {
    const { texts, now, rates } = this.#parts;
    const { server, units } = texts;
    const { connection: words } = server;
    const [messages = null, sent = null] = rates(view.client) ?? [];
    const page = view.client === this.#parts.own() ? server.thisPage : view.page ? server.aPage : '';
    this.#facts.write('client', shown(view.client));
    this.#facts.write('user', shown(view.user) || server.anonymous);
    this.#facts.write('name', shown(view.name));
    this.#facts.write('node', shown(view.node));
    this.#facts.write('transport', [transportOf(view, texts), page].filter(part => part !== '').join(', '));
    write(this.#waits, words.of(kibi(view.queueBytes), kibi(QUEUE_MOST)));
    setBar(this.#bar, view.queueBytes / QUEUE_MOST);
    this.#facts.write('steps', view.slowed === null ? words.allSteps : words.every(count(view.slowed)));
    this.#facts.write('messages', words.total(messages === null ? '' : rateOf(messages, texts), count(view.messages)));
    this.#facts.write('bytes', words.total(sent === null ? '' : bytesPerSecond(sent, texts), bytes(view.bytes)));
    const since = new Date(view.since);
    write(this.#since, words.since(moment(view.since, now(), texts), duration(now() - view.since, units)));
    if (!Number.isNaN(since.getTime())) this.#since.dateTime = since.toISOString();
    this.#since.title = Number.isNaN(since.getTime()) ? '' : clockUtc(view.since);
    this.#list(view);
  }

  #list(view: ConnectionView): void {
    const listed = JSON.stringify([view.channels, view.channelsTotal]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    const { server } = this.#parts.texts;
    const more = view.channelsTotal - view.channels.length;
    this.#channels.replaceChildren(...view.channels.map(channel => el('li', {}, el('a', { class: 'mono', href: channelHash(channel) }, shown(channel)))));
    if (more > 0) this.#channels.append(el('li', { class: 'text-2' }, server.connection.more(count(more))));
    if (view.channelsTotal === 0) this.#channels.append(el('li', { class: 'text-2' }, server.none));
  }

  #ask(): void {
    const view = this.#last?.view;
    if (!view) return;
    const { texts, own, call, now, done } = this.#parts;
    askDisconnect({
      view, texts, isOwn: view.client === own(),
      disconnect: async () => {
        await call('disconnect', { client: view.client });
        if (view.client === this.#client) write(this.#result, texts.server.connection.done(clock(now())));
        done();
      },
    }, this.#disconnect);
  }
}
