// Calls of the query API. What does not answer in its form is a refusal in words.
import { isFields, list, number, text } from '../wire/parse';
import { answerOf, type Answer, type Refusal } from './answer';

/** Gives the JSON of an address; null for what is no JSON. Rejects when there is no answer, or the call was given up. */
export type Ask = (path: string, form: URLSearchParams, signal: AbortSignal) => Promise<unknown>;

/** How long an answer is awaited, ms: the server's own evaluations end before. */
const WAIT_MS = 60_000;

/** Asks this server, by POST: queries are longer than addresses. */
export async function ask(path: string, form: URLSearchParams, signal: AbortSignal): Promise<unknown> {
  const reply = await fetch(path, { method: 'POST', body: form, signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]) });
  return reply.json().catch(() => null) as Promise<unknown>;
}

/** Asks this server by GET: for what is read alone. Gives null for what is not there. */
export async function read(path: string, words: URLSearchParams, signal: AbortSignal): Promise<unknown> {
  const reply = await fetch(`${path}?${words}`, { signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]) });
  if (!reply.ok) return null;
  return reply.json().catch(() => null) as Promise<unknown>;
}

export interface Moment {
  readonly expr: string;
  /** ms. */
  readonly time: number;
}

/** Asks for the value of a query at a moment. */
export async function instant(asking: Ask, { expr, time }: Moment, otherwise: string, signal: AbortSignal): Promise<Answer | Refusal> {
  return answerOf(await asking('/api/v1/query', new URLSearchParams({ query: expr, time: seconds(time) }), signal), otherwise);
}

export interface Span {
  readonly expr: string;
  /** ms. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Asks for a query over a stretch of time. */
export async function range(asking: Ask, { expr, from, to, step }: Span, otherwise: string, signal: AbortSignal): Promise<Answer | Refusal> {
  const form = new URLSearchParams({ query: expr, start: seconds(from), end: seconds(to), step: `${step / 1000}` });
  return answerOf(await asking('/api/v1/query_range', form, signal), otherwise);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** What is known of a metric. */
export interface Metadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** Gives the data of an answer, null for an error. */
export function dataOf(reply: unknown): unknown {
  return isFields(reply) && reply['status'] === 'success' ? reply['data'] : null;
}

/** Reads `/api/v1/metadata`. */
export function metadataOf(reply: unknown): ReadonlyMap<string, Metadata> {
  const data = dataOf(reply);
  const found: [string, Metadata][] = [];
  if (isFields(data)) {
    for (const [name, all] of Object.entries(data)) {
      const one = list(all)[0];
      if (isFields(one)) found.push([name, { type: text(one['type']), help: text(one['help']), unit: text(one['unit']) }]);
    }
  }
  return new Map(found);
}

/** A name and how many there are of it. */
export interface Counted {
  readonly name: string;
  readonly count: number;
}

/** What the store holds. */
export interface StoreFacts {
  readonly series: number | null;
  readonly byMetric: readonly Counted[];
  readonly byLabel: readonly Counted[];
}

/** Reads `/api/v1/status/tsdb`; null where there is none. */
export function storeFactsOf(reply: unknown): StoreFacts | null {
  const data = dataOf(reply);
  if (!isFields(data)) return null;
  const head = data['headStats'];
  return { series: isFields(head) ? number(head['numSeries']) : null, byMetric: countedOf(data['seriesCountByMetricName']), byLabel: countedOf(data['labelValueCountByLabelName']) };
}

function countedOf(value: unknown): Counted[] {
  return list(value).flatMap(one => {
    const count = isFields(one) ? number(one['value']) : null;
    return isFields(one) && count !== null ? [{ name: text(one['name']), count }] : [];
  });
}

/** Reads a list of names. */
export function namesOf(reply: unknown): readonly string[] {
  return list(dataOf(reply)).filter(one => typeof one === 'string');
}
