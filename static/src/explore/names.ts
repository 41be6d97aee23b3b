// What the editor can complete: names of metrics and labels, values, and help, asked once in a while, and never all of it.
import { labelMatchersToString } from '@prometheus-io/codemirror-promql/dist/esm/parser/matcher';
import type { Matcher } from '@prometheus-io/codemirror-promql/dist/esm/types';
import { labels, list } from '../wire/parse';
import { dataOf, metadataOf, namesOf, type Metadata } from './api';

/** Names of metrics that are asked for: a megabyte, at some hundred bytes a line. */
export const METRICS_MAX = 10_000;
/** Labels, values or series that are asked for at a time: more than anybody scrolls through. */
export const NAMES_MAX = 1_000;
/** How long an answer holds, ms. */
export const FRESH_MS = 30_000;
/** Answers that are kept. */
export const KEPT_MAX = 64;

/** Reads an address of this server. */
export type Read = (path: string, words: URLSearchParams, signal: AbortSignal) => Promise<unknown>;

interface Kept {
  readonly at: number;
  readonly reply: Promise<unknown>;
}

/** The client of the completion of PromQL: the interface is that of `PrometheusClient`. */
export class Names {
  readonly #read: Read;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #stop = new AbortController();

  constructor(read: Read, now: () => number) {
    this.#read = read;
    this.#now = now;
  }

  destroy(): void {
    this.#stop.abort();
  }

  async metricNames(): Promise<string[]> {
    return this.#names('/api/v1/label/__name__/values', '', METRICS_MAX);
  }

  async labelNames(metric = ''): Promise<string[]> {
    return (await this.#names('/api/v1/labels', metric, NAMES_MAX)).filter(name => name !== '__name__');
  }

  async labelValues(label: string, metric = '', matchers: Matcher[] = []): Promise<string[]> {
    const selector = labelMatchersToString(metric, matchers, label);
    return this.#names(`/api/v1/label/${encodeURIComponent(label)}/values`, selector === '{}' ? '' : selector, NAMES_MAX);
  }

  async series(metric: string, matchers: Matcher[] = [], label = ''): Promise<Map<string, string>[]> {
    const selector = labelMatchersToString(metric, matchers, label);
    if (selector === '' || selector === '{}') return [];
    const reply = await this.#ask('/api/v1/series', new URLSearchParams({ 'match[]': selector, limit: `${NAMES_MAX}` }));
    return list(dataOf(reply)).slice(0, NAMES_MAX).map(one => new Map(labels(one)));
  }

  async metricMetadata(): Promise<Record<string, { type: string; help: string }[]>> {
    return Object.fromEntries([...await this.metadata()].map(([name, { type, help }]) => [name, [{ type, help }]]));
  }

  /** Gives what is known of metrics, by name. */
  async metadata(): Promise<ReadonlyMap<string, Metadata>> {
    return metadataOf(await this.#ask('/api/v1/metadata', new URLSearchParams({ limit: `${METRICS_MAX}`, limit_per_metric: '1' })));
  }

  /** Flags of a server of Prometheus: there are none here. */
  async flags(): Promise<Record<string, string>> {
    return {};
  }

  async #names(path: string, selector: string, most: number): Promise<string[]> {
    const words = new URLSearchParams({ limit: `${most}` });
    if (selector !== '') words.set('match[]', selector);
    return [...namesOf(await this.#ask(path, words))].slice(0, most);
  }

  /** Gives an answer that is fresh, or asks; those who ask the same at once wait for one answer. A failure is an empty answer, and not kept. */
  #ask(path: string, words: URLSearchParams): Promise<unknown> {
    const key = `${path}?${words}`;
    const known = this.#kept.get(key);
    if (known && this.#now() - known.at < FRESH_MS) return known.reply;
    this.#kept.delete(key);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size >= KEPT_MAX && oldest.done !== true) this.#kept.delete(oldest.value);
    const reply = this.#read(path, words, this.#stop.signal).catch((): unknown => {
      this.#kept.delete(key);
      return null;
    });
    this.#kept.set(key, { at: this.#now(), reply });
    return reply;
  }
}
