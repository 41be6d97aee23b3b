// Answers of the query API, parsed once, here.
import type { Place } from '../format/marked';
import { isFields, labels, list, number, sample, text, type Labels } from '../wire/parse';

/** One bucket of a native histogram: which ends belong to it, as the API numbers that, its ends, and its count. */
export interface Bucket {
  readonly ends: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export interface HistogramValue {
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly Bucket[];
}

/** One row of an instant answer. `samples` is more than 1 for a series of a range selector, whose newest is shown. */
export interface Row {
  readonly labels: Labels;
  readonly time: number;
  readonly value: number;
  /** The value as the server wrote it. */
  readonly written: string;
  readonly histogram: HistogramValue | null;
  readonly samples: number;
}

/** One series of a range answer; times in ms. */
export interface Line {
  readonly labels: Labels;
  readonly t: readonly number[];
  readonly v: readonly number[];
  /** Native histograms among its samples: they are no numbers to draw. */
  readonly histograms: number;
}

/** A remark of the server on a query that it answered. */
export interface Remark {
  readonly kind: 'warning' | 'info';
  readonly text: string;
  /** What it is about, null when it does not say. */
  readonly place: Place | null;
}

export interface Answer {
  readonly kind: string;
  readonly result: unknown;
  readonly remarks: readonly Remark[];
}

/** A refusal: what is wrong, and where in the query, null when it is about the whole. */
export interface Refusal {
  readonly text: string;
  readonly place: Place | null;
}

const KIND_PREFIX = /^PromQL (?:warning|info): /;

/** Reads what the server says of a query that it refused. Nothing of the page: only the place is taken out. */
export function refusalOf(message: string): Refusal {
  const bare = message.replace(/^invalid parameter "query": /, '');
  const [, line, column, rest] = /^(\d+):(\d+): (.*)$/s.exec(bare) ?? [];
  if (line === undefined || column === undefined || rest === undefined) return { text: bare, place: null };
  return { text: rest.replace(/^parse error: /, ''), place: { line: Number(line), column: Number(column) } };
}

function remark(kind: Remark['kind'], said: string): Remark {
  const [, rest, line, column] = /^(.*?)\s*\((\d+):(\d+)\)$/s.exec(said) ?? [];
  const words = (rest ?? said).replace(KIND_PREFIX, '');
  return { kind, text: words, place: line === undefined || column === undefined ? null : { line: Number(line), column: Number(column) } };
}

/** Reads an answer; gives a refusal for an error, and for what is none of the API. */
export function answerOf(value: unknown, otherwise: string): Answer | Refusal {
  if (!isFields(value) || text(value['status']) !== 'success') return refusalOf(isFields(value) ? text(value['error'], otherwise) : otherwise);
  const data = value['data'];
  return {
    kind: isFields(data) ? text(data['resultType']) : '', result: isFields(data) ? data['result'] : data,
    remarks: [...said(value['warnings'], 'warning'), ...said(value['infos'], 'info')],
  };
}

function said(value: unknown, kind: Remark['kind']): Remark[] {
  return list(value).filter(one => typeof one === 'string').map(one => remark(kind, one));
}

export function isRefusal(answer: Answer | Refusal): answer is Refusal {
  return !('result' in answer);
}

/** Gives the number of a text such as `1.5`, `NaN`, `+Inf`. */
function numberOf(written: unknown): number {
  if (typeof written !== 'string') return Number.NaN;
  const word = sample(written);
  return word === word || written === 'NaN' || written === '' ? word : Number(written);
}

function ms(seconds: unknown): number {
  return Math.round((number(seconds) ?? Number.NaN) * 1000);
}

function histogramOf(value: unknown): HistogramValue | null {
  if (!isFields(value)) return null;
  const buckets = list(value['buckets']).map(one => {
    const [ends, low, high, count] = list(one);
    return { ends: number(ends) ?? 0, low: numberOf(low), high: numberOf(high), count: numberOf(count) };
  });
  return { count: numberOf(value['count']), sum: numberOf(value['sum']), buckets };
}

const NONE: Labels = new Map();

function row(at: unknown, written: unknown, of: Labels, samples = 1): Row {
  const histogram = histogramOf(written);
  return { labels: of, time: ms(at), value: histogram ? histogram.count : numberOf(written), written: text(written), histogram, samples };
}

/** Gives the rows of an instant answer: one for each series, or for the one value. */
export function rowsOf({ kind, result }: Answer): Row[] {
  if (kind === 'scalar' || kind === 'string') return [row(list(result)[0], list(result)[1], NONE)];
  return list(result).flatMap(one => {
    if (!isFields(one)) return [];
    const samples = [...list(one['values']), ...list(one['histograms'])].map(list).sort((a, b) => ms(a[0]) - ms(b[0]));
    const [at, written] = samples.at(-1) ?? list(one['value'] ?? one['histogram']);
    return [row(at, written, labels(one['metric']), Math.max(1, samples.length))];
  });
}

/** Gives the series of a range answer, in their order. */
export function linesOf({ result }: Answer): Line[] {
  return list(result).flatMap(one => {
    if (!isFields(one)) return [];
    const values = list(one['values']).map(list);
    return [{ labels: labels(one['metric']), t: values.map(([at]) => ms(at)), v: values.map(([, v]) => numberOf(v)), histograms: list(one['histograms']).length }];
  });
}
