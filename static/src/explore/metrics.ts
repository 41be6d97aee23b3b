// The pane of metrics: search by some letters, how many series each has, and what of the store is large or new.
import { shown } from '../data/names';
import { formatNumber } from '../format/number';
import { el, need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import { isRefusal, rowsOf } from './answer';
import { instant, storeFactsOf, type Ask, type Counted, type Metadata, type StoreFacts } from './api';
import { fuzzyFind } from './fuzzy';
import { METRICS_MAX, type Names, type Read } from './names';
import { quoted } from './rows';

/** Names that are listed at a time. */
export const FOUND_MAX = 50;
/** Names in the lists of what is largest. */
const TOP_MAX = 10;
/** Metrics whose number of series is asked for at once. */
const COUNTED_MAX = 1_000;
/** How long a hand writes on before it is looked for, ms. */
const REST_MS = 120;
/** Series that the server compares at most: the most that one of its evaluations holds. */
export const CHURN_SERIES_MAX = 20_000;
/** Counts the series that are there now, and were not an hour ago. */
const BEGUN = 'count({__name__!=""} unless ({__name__!=""} offset 1h))';

export interface MetricsParts {
  readonly texts: Texts;
  readonly names: Names;
  readonly read: Read;
  readonly ask: Ask;
  readonly now: () => number;
  /** Writes a name into the editor that was used last. */
  readonly insert: (words: string) => void;
}

/** Writes a metric's name as a query can have it. */
export function selectorOf(name: string): string {
  return /^[a-zA-Z_:][\w:]*$/.test(name) ? name : `{${quoted(name)}}`;
}

/** Gives the query that counts the series of metrics. */
export function countsQuery(names: readonly string[]): string {
  const either = names.map(name => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return `count by (__name__) ({__name__=~${quoted(either)}})`;
}

export class Metrics {
  readonly #parts: MetricsParts;
  readonly #pane: HTMLElement;
  readonly #search: HTMLInputElement;
  readonly #about = el('p', { class: 'hint', role: 'status' });
  readonly #list = el('ul', { class: 'metric-list', role: 'list' });
  readonly #title = el('h3');
  readonly #tops = el('div', { class: 'metric-tops' });
  readonly #counts = new Map<string, number>();
  #all: readonly string[] = [];
  #metadata: ReadonlyMap<string, Metadata> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop = new AbortController();

  constructor(pane: HTMLElement, parts: MetricsParts) {
    this.#pane = pane;
    this.#parts = parts;
    write(this.#title, parts.texts.explore.metrics.byName);
    this.#search = need('[data-metric-search]', pane);
    need('[data-metric-lists]', pane).append(this.#about, this.#tops, this.#title, this.#list);
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#find(), REST_MS);
    });
    pane.addEventListener('click', event => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-insert]') : null;
      if (button) parts.insert(button.dataset['insert'] ?? '');
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
  }

  /** Asks anew for what there is, and shows it. */
  async open(): Promise<void> {
    const { texts, names, read } = this.#parts;
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#search.focus();
    if (this.#all.length === 0) write(this.#about, texts.explore.metrics.loading);
    const facts = read('/api/v1/status/tsdb', new URLSearchParams({ limit: `${COUNTED_MAX}` }), signal).then(storeFactsOf, () => null);
    const [all, metadata, store] = await Promise.all([names.metricNames(), names.metadata(), facts]);
    const begun = store === null || (store.series ?? Infinity) > CHURN_SERIES_MAX ? null : await this.#begun(signal);
    if (signal.aborted) return;
    this.#all = all;
    this.#metadata = metadata;
    for (const { name, count } of store?.byMetric ?? []) this.#counts.set(name, count);
    this.#find();
    this.#writeTops(store, begun);
  }

  #find(): void {
    const { metrics: words } = this.#parts.texts.explore;
    const { found, all } = fuzzyFind(this.#all, this.#search.value, FOUND_MAX);
    const count = (n: number): string => formatNumber(n, 0);
    const many = all > found.length ? (this.#search.value.trim() === '' ? words.some : words.found)(count(found.length), count(all)) : words.all(all, count(all));
    write(this.#about, all === 0 ? words.none : this.#all.length >= METRICS_MAX ? `${many}. ${words.cut(count(METRICS_MAX))}` : many);
    // What is largest is for who does not know yet what to look for.
    this.#tops.hidden = this.#search.value.trim() !== '';
    this.#title.hidden = this.#tops.hidden;
    this.#list.replaceChildren(...found.map(name => this.#entry(name)));
    void this.#count(found.filter(name => !this.#counts.has(name)));
  }

  #entry(name: string): HTMLElement {
    const { metrics: words } = this.#parts.texts.explore;
    const known = this.#metadata.get(name);
    const button = el('button', { type: 'button', 'data-insert': selectorOf(name), 'aria-label': words.insert(name), title: words.insert(name) }, el('code', { dir: 'auto' }, shown(name)));
    const about = [known?.type ?? '', known?.unit ?? ''].filter(word => word !== '').join(', ');
    return el('li', { 'data-metric': name }, button, el('span', { class: 'metric-count' }, this.#countWords(name)),
      ...(about === '' ? [] : [el('span', { class: 'tag' }, about)]), ...(known === undefined || known.help === '' ? [] : [el('p', { class: 'hint' }, shown(known.help))]));
  }

  #countWords(name: string): string {
    const n = this.#counts.get(name);
    return n === undefined ? '' : this.#parts.texts.explore.metrics.series(n, formatNumber(n, 0));
  }

  /** Asks for the series of those that the server did not count by itself. */
  async #count(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const { ask, now } = this.#parts;
    const answer = await instant(ask, { expr: countsQuery(names), time: now() }, '', this.#stop.signal).catch(() => null);
    if (answer === null || isRefusal(answer)) return;
    for (const { labels, value } of rowsOf(answer)) this.#counts.set(labels.get('__name__') ?? '', value);
    for (const item of this.#list.children) {
      if (item instanceof HTMLElement) write(item.querySelector('.metric-count'), this.#countWords(item.dataset['metric'] ?? ''));
    }
  }

  /** Gives how many series began in the last hour, null where the server refuses to compare. */
  async #begun(signal: AbortSignal): Promise<number | null> {
    const { ask, now } = this.#parts;
    const answer = await instant(ask, { expr: BEGUN, time: now() }, '', signal).catch(() => null);
    return answer === null || isRefusal(answer) ? null : rowsOf(answer)[0]?.value ?? 0;
  }

  #writeTops(store: StoreFacts | null, begun: number | null): void {
    const { metrics: words } = this.#parts.texts.explore;
    const count = (n: number): string => formatNumber(n, 0);
    if (!store) {
      this.#tops.replaceChildren(el('p', { class: 'hint' }, words.unknown));
      return;
    }
    const about = [store.series === null ? '' : words.inAll(store.series, count(store.series)), begun === null ? '' : words.churn(count(begun))].filter(word => word !== '');
    this.#tops.replaceChildren(
      ...(about.length > 0 ? [el('p', { class: 'text-2', 'data-churn': '' }, about.join(', '))] : []),
      ...this.#top(words.most, store.byMetric, one => [selectorOf(one.name), words.insert(one.name), words.series(one.count, count(one.count))]),
      ...this.#top(words.labels, store.byLabel, one => [`count by (${/^[a-zA-Z_]\w*$/.test(one.name) ? one.name : quoted(one.name)}) ({__name__!=""})`, words.label(one.name), words.values(one.count, count(one.count))]));
    this.#pane.toggleAttribute('data-told', true);
  }

  /** A list of what is largest, with a bar for each: parts of the first. */
  #top(title: string, all: readonly Counted[], wordsOf: (one: Counted) => readonly [string, string, string]): HTMLElement[] {
    const first = all.slice(0, TOP_MAX);
    if (first.length === 0) return [];
    return [el('h3', {}, title), el('ul', { class: 'metric-list', role: 'list' }, ...first.map(one => {
      const [insert, label, amount] = wordsOf(one);
      const button = el('button', { type: 'button', 'data-insert': insert, 'aria-label': label, title: label }, el('code', { dir: 'auto' }, shown(one.name)));
      return el('li', {}, button, el('span', { class: 'metric-count' }, amount));
    }))];
  }
}
