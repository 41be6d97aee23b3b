// The page of the server: figures, three tabs, and one connection or channel opened at its side.
import { shown } from '../data/names';
import type { Ink } from '../draw/ink';
import { duration } from '../format/time';
import { el, need, write } from '../page/dom';
import { Tabs } from '../page/tabs';
import type { Texts } from '../texts/texts';
import type { ChannelRow as ChannelFacts, ConnectionView } from '../wire/server';
import { Asking, type Call } from './asking';
import { ChannelPane, type FoundChannel } from './channelpane';
import { ChannelRow } from './channelrow';
import { ConnectionPane, type Found } from './connectionpane';
import { ConnectionRow } from './connectionrow';
import { Figures } from './figures';
import { Fleet } from './fleet';
import { LagLine } from './lag';
import { NodeBands } from './nodebands';
import { channelHash, FIRST, placeOf, tabHash, tabOf, type Place } from './place';
import { Poll } from './poll';
import { LiveTable } from './table';
import { count, namesOf } from './words';

/** From this width on what is opened stands beside the list. */
const WIDE = '(min-width: 1024px)';

export interface ServerParts {
  readonly texts: Texts;
  readonly ink: Ink;
  readonly call: Call;
  /** The server's clock, ms. */
  readonly now: () => number;
  readonly isLive: () => boolean;
  /** The client of this very page. */
  readonly own: () => string;
}

export class ServerPage {
  readonly #parts: ServerParts;
  readonly #main: HTMLElement;
  readonly #side: HTMLElement;
  readonly #about: HTMLElement;
  readonly #counts: ReadonlyMap<string, HTMLElement>;
  readonly #fleet = new Fleet();
  readonly #asking: Asking;
  readonly #poll: Poll;
  readonly #lag: LagLine;
  readonly #figures: Figures;
  readonly #tabs: Tabs;
  readonly #bands: NodeBands;
  readonly #connections: LiveTable<ConnectionView>;
  readonly #channels: LiveTable<ChannelFacts>;
  readonly #connection: ConnectionPane;
  readonly #channel: ChannelPane;
  readonly #stop = new AbortController();
  #place: Place = FIRST;
  #found: Found = { kind: 'looking' };
  #foundChannel: FoundChannel = { kind: 'looking' };
  #begun = false;
  /** The rows of the last answer: one that is opened is seen at once. */
  #listed: readonly ConnectionView[] = [];
  /** What is opened next gets the focus: it was opened by a key. */
  #enters = false;

  constructor(root: ParentNode, parts: ServerParts) {
    this.#parts = parts;
    const { texts, call, now } = parts;
    this.#main = need('main.server', root);
    this.#side = need('.server-side', root);
    this.#about = need('[data-about]', root);
    this.#counts = new Map([...this.#main.querySelectorAll<HTMLElement>('[data-count-of]')].map(one => [one.dataset['countOf'] ?? '', one]));
    const wake = (): void => this.#poll.wake();
    this.#asking = new Asking({
      call, fleet: this.#fleet, ticks: () => performance.now(),
      wanted: () => ({ place: this.#place, connections: this.#connections.question, channels: this.#channels.question }),
      nodes: () => this.#writeNodes(),
      connections: (answer, question) => {
        this.#listed = answer.rows;
        this.#connections.write(answer, question);
      },
      channels: (answer, question) => {
        this.#channels.write(answer, question);
        this.#count('channels', answer.total);
      },
      connection: (client, found) => this.#tell('connection', client, () => { this.#found = found; }),
      channel: (channel, found) => this.#tell('channel', channel, () => { this.#foundChannel = found; }),
    });
    this.#poll = new Poll({ ask: () => this.#asking.ask(), may: () => !document.hidden && parts.isLive(), said: trouble => this.#said(trouble), now: () => Date.now() });
    this.#lag = new LagLine(need('[data-lag]', root), texts, wake);
    this.#figures = new Figures(need('.figures', root), texts, parts.ink);
    this.#tabs = new Tabs(need('.server-tabs', root), () => { location.hash = tabHash(tabOf(this.#tabs.chosen.slice('t-'.length)) ?? FIRST.tab); });
    this.#bands = new NodeBands(need('[data-nodes]', root), texts);
    const common = { texts, asks: wake, now: () => performance.now() };
    const rates = (client: string): readonly number[] | null => this.#asking.connectionRates.of(client);
    const channelRates = (channel: string): readonly number[] | null => this.#asking.channelRates.of(channel);
    const facts = { texts, now, own: parts.own, many: () => this.#fleet.nodes.length > 1, rates };
    this.#connections = new LiveTable(need('#t-connections', root), { ...common, words: texts.server.list.connections, keyOf: view => view.client, make: client => new ConnectionRow(client, facts) });
    this.#channels = new LiveTable(need('#t-channels', root), {
      ...common, words: texts.server.list.channels, keyOf: view => view.channel, make: channel => new ChannelRow(channel, texts, channelRates),
      otherwise: search => el('a', { class: 'btn', href: channelHash(search) }, texts.server.list.open(shown(search))),
    });
    this.#connection = new ConnectionPane(need('#connection', root), { texts, call, now, own: parts.own, rates, done: wake });
    this.#channel = new ChannelPane(need('#channel', root), { texts, call, now, rates: channelRates, done: wake });
  }

  start(): void {
    const { signal } = this.#stop;
    window.addEventListener('hashchange', () => this.#hashed(), { signal });
    document.addEventListener('visibilitychange', () => this.#poll.wake(), { signal });
    for (const button of this.#side.querySelectorAll('[data-close]')) button.addEventListener('click', () => this.close(), { signal });
    this.#main.addEventListener('click', event => this.#clicked(event), { signal, capture: true });
    this.#go(placeOf(location.hash) ?? FIRST);
  }

  stop(): void {
    this.#stop.abort();
    this.#poll.stop();
    this.#lag.stop();
    this.#figures.stop();
    this.#connections.stop();
    this.#channels.stop();
    this.#channel.stop();
  }

  /** The theme changed. */
  newInk(): void {
    this.#figures.draw();
  }

  /** The link came or went. */
  linked(): void {
    if (!this.#parts.isLive()) this.#said(null);
    this.#poll.wake();
  }

  /** Opens the next row (1), or the one before (-1). */
  step(by: number): void {
    const table = this.#table();
    if (!table || table.order.length === 0) return;
    const { order } = table;
    const from = order.indexOf(this.#place.open?.id ?? '');
    const next = order[from < 0 ? (by > 0 ? 0 : order.length - 1) : (from + by + order.length) % order.length];
    const link = next === undefined ? null : table.linkOf(next);
    if (!(link instanceof HTMLAnchorElement)) return;
    location.hash = link.hash;
    if (link.getClientRects().length === 0) return;
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: 'nearest' });
  }

  /** Closes what is opened; the focus goes back to its row. */
  close(): void {
    if (this.#place.open !== null) location.hash = tabHash(this.#place.tab);
  }

  #table(): LiveTable<ConnectionView> | LiveTable<ChannelFacts> | null {
    return this.#place.tab === 'connections' ? this.#connections : this.#place.tab === 'channels' ? this.#channels : null;
  }

  /** A row that is opened by a key has no pointer's clicks: what it opens gets the focus, also when it is open already. */
  #clicked(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('tbody a') : null;
    this.#enters = event.detail === 0 && link !== null;
    if (link && this.#enters && link.hash === location.hash) this.#hashed();
  }

  #hashed(): void {
    const place = placeOf(location.hash);
    if (!place) return;
    const before = this.#place.open;
    const hadFocus = this.#side.contains(document.activeElement);
    this.#go(place);
    const isWide = window.matchMedia(WIDE).matches;
    if (place.open === null) {
      const row = before ? this.#table()?.linkOf(before.id) : null;
      if (before && (hadFocus || !isWide)) (row ?? need(`#tab-${place.tab}`, this.#main)).focus();
    } else if (this.#enters || !isWide || hadFocus) {
      need(`#${place.open.kind}-name`, this.#side).focus({ preventScroll: true });
      if (!isWide) window.scrollTo({ top: 0 });
    }
    this.#enters = false;
  }

  #go(place: Place): void {
    const { open } = place;
    if (open?.kind !== this.#place.open?.kind || open?.id !== this.#place.open?.id) {
      const view = this.#listed.find(one => one.client === open?.id);
      this.#found = view ? { kind: 'here', view } : { kind: 'looking' };
      this.#foundChannel = { kind: 'looking' };
      this.#side.scrollTop = 0;
    }
    this.#place = place;
    this.#tabs.choose(`t-${place.tab}`);
    this.#main.toggleAttribute('data-open', open !== null);
    this.#side.hidden = open === null;
    this.#open();
    this.#poll.wake();
  }

  #tell(kind: 'connection' | 'channel', id: string, take: () => void): void {
    if (this.#place.open?.kind !== kind || this.#place.open.id !== id) return;
    take();
    this.#open();
  }

  #open(): void {
    const { open } = this.#place;
    const connection = open?.kind === 'connection' ? open.id : null;
    const channel = open?.kind === 'channel' ? open.id : null;
    this.#connections.choose(connection);
    this.#channels.choose(channel);
    this.#connection.show(connection, this.#found);
    this.#channel.show(channel, this.#foundChannel);
  }

  #writeNodes(): void {
    const { texts, now, call } = this.#parts;
    const { server } = texts;
    const { nodes, sums, here } = this.#fleet;
    this.#main.removeAttribute('aria-busy');
    this.#figures.write(sums, now());
    this.#bands.write(nodes, here, now());
    this.#count('connections', sums.connections);
    this.#count('nodes', nodes.length);
    if (nodes.length === 1) this.#count('channels', nodes[0]?.view.channels ?? 0);
    const mine = nodes.find(node => node.view.node === here)?.view;
    const silent = nodes.filter(node => node.silentSince !== null).map(node => node.view.node);
    const version = shown(mine?.version ?? '');
    const about = nodes.length > 1 ? server.aboutMany(shown(here), version, count(nodes.length)) : server.about(shown(here), version, duration((mine?.uptime ?? 0) * 1000, texts.units));
    write(this.#about, silent.length === 0 ? about : `${about}. ${server.without(namesOf(silent, texts))}`);
    if (this.#begun) return;
    this.#begun = true;
    void this.#figures.before(call, now());
  }

  #count(of: string, n: number): void {
    const place = this.#counts.get(of);
    write(place, count(n));
    if (place) place.hidden = false;
  }

  #said(trouble: Parameters<LagLine['say']>[0]): void {
    // A link that is lost is said on every page, in the line of notices.
    const isLive = this.#parts.isLive();
    this.#lag.say(isLive ? trouble : null);
    this.#figures.stale(trouble !== null || !isLive);
  }
}
