// One channel, opened: who listens, what it keeps, and a test message.
import { shown } from '../data/names';
import { clock } from '../format/time';
import { refusalText } from '../live/refusal';
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { ChannelRow, ChannelView } from '../wire/server';
import { Facts } from './facts';
import { HistoryList } from './historylist';
import { PublishForm, type PublishParts } from './publishform';
import { count, rateOf } from './words';

/** How names of channels begin that are watchroom's own. */
const OWN = '@';

/** What is known of the channel that is opened. */
export type FoundChannel =
  | { readonly kind: 'looking' }
  /** `row` is null where the list does not have it. */
  | { readonly kind: 'here'; readonly view: ChannelView; readonly row: ChannelRow | null }
  | { readonly kind: 'refused'; readonly error: unknown };

export interface ChannelParts extends PublishParts {
  readonly rates: (channel: string) => readonly number[] | null;
}

/** Says who listens to a channel and who is present. */
export function listenWords(view: ChannelView, row: ChannelRow | null, texts: Texts): string {
  const { channel: words } = texts.server;
  const subscribers = view.subscribers === 0 ? words.nobody : words.listens(view.subscribers, count(view.subscribers));
  if (view.subscribers === 0) return subscribers;
  return `${row && row.nodes > 1 ? words.nodes(subscribers, row.nodes, count(row.nodes)) : subscribers}.`;
}

/** Says how much of a history is seen. */
export function historyWords(view: ChannelView, texts: Texts): string {
  const { channel: words } = texts.server;
  if (view.history === null) return words.unkept;
  const { newest, offset } = view.history;
  return newest.length === 0 ? words.empty : words.newest(count(newest.length), count(offset));
}

export class ChannelPane {
  readonly #root: HTMLElement;
  readonly #parts: ChannelParts;
  readonly #name: HTMLElement;
  readonly #says: HTMLElement;
  readonly #more: HTMLElement;
  readonly #historySays: HTMLElement;
  readonly #history: HistoryList;
  readonly #own: HTMLElement;
  readonly #form: HTMLFormElement;
  readonly #publish: PublishForm;
  readonly #facts = new Facts();
  #channel = '';
  #last: { readonly view: ChannelView; readonly row: ChannelRow | null; readonly at: number } | null = null;

  constructor(root: HTMLElement, parts: ChannelParts) {
    this.#root = root;
    this.#parts = parts;
    this.#name = need('#channel-name', root);
    this.#says = need('[data-says]', root);
    this.#more = need('[data-known]', root);
    this.#historySays = need('[data-history-says]', root);
    this.#history = new HistoryList(need('[data-history]', root), parts.texts);
    this.#own = need('[data-own]', root);
    this.#form = need<HTMLFormElement>('form', root);
    this.#publish = new PublishForm(this.#form, parts);
    const { facts } = parts.texts.server.channel;
    for (const key of ['kind', 'present', 'messages', 'epoch'] as const) this.#facts.add(key, facts[key]);
    need('[data-facts]', root).append(this.#facts.element);
  }

  stop(): void {
    this.#publish.stop();
  }

  /** Shows a channel, or none. */
  show(channel: string | null, found: FoundChannel): void {
    this.#root.hidden = channel === null;
    if (channel === null) return;
    const { texts, now } = this.#parts;
    if (channel !== this.#channel) {
      this.#channel = channel;
      this.#last = null;
      write(this.#name, shown(channel));
    }
    if (found.kind === 'here') this.#last = { view: found.view, row: found.row ?? this.#last?.row ?? null, at: now() };
    this.#more.hidden = this.#last === null;
    if (found.kind === 'refused') write(this.#says, this.#refused(found.error));
    else if (this.#last === null) write(this.#says, texts.server.channel.looking);
    else write(this.#says, listenWords(this.#last.view, this.#last.row, texts));
    if (this.#last) this.#write(this.#last.view, this.#last.row);
  }

  #refused(error: unknown): string {
    const { texts } = this.#parts;
    const words = refusalText(error, texts.alerts.notConnected);
    return this.#last ? `${words}. ${texts.server.channel.gone(clock(this.#last.at))}` : words;
  }

  #write(view: ChannelView, row: ChannelRow | null): void {
    const { texts, rates } = this.#parts;
    const { server } = texts;
    const { channel: words } = server;
    const [rate = null] = rates(this.#channel) ?? [];
    this.#facts.write('kind', row === null ? '' : [row.own ? server.own : words.yours, row.kept ? server.keeps : server.keepsNone].join(', '));
    this.#facts.write('present', view.present === null ? words.noPresence : words.present(view.present, count(view.present)));
    this.#facts.write('messages', row === null ? '' : server.connection.total(rate === null ? '' : rateOf(rate, texts), count(row.messages)));
    this.#facts.write('epoch', view.history === null ? '' : shown(view.history.epoch));
    write(this.#historySays, historyWords(view, texts));
    this.#history.write(this.#channel, view.history?.epoch ?? '', view.history?.newest ?? []);
    // Nobody may listen to it: then no row says whose it is, but its name does.
    const isOwn = row?.own ?? this.#channel.startsWith(OWN);
    this.#own.hidden = !isOwn;
    this.#form.hidden = isOwn;
    this.#publish.show(this.#channel, view.subscribers);
  }
}
