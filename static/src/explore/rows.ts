// The rows of the table: which are shown, in which order, and as CSV.
import type { Labels } from '../wire/parse';
import type { Row } from './answer';

/** One row, and the letter of its query. */
export interface Found {
  readonly query: string;
  readonly row: Row;
}

/** A column that rows are sorted by: a label's name after `=`, the whole series, the value, or the query. */
export type SortKey = 'query' | 'series' | 'value' | `=${string}`;

export interface Sorting {
  readonly by: SortKey;
  readonly down: boolean;
}

/** Rows that are drawn; more are told, and counted. */
export const ROWS_MAX = 200;
/** Labels that get a column; series with more are written as one text. */
export const COLUMNS_MAX = 12;

const LEGACY_NAME = /^[a-zA-Z_:][\w:]*$/;

/** Writes a text as PromQL does, in double quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Writes a series as PromQL selects it: `up{job="node"}`. */
export function seriesText(labels: Labels): string {
  const name = labels.get('__name__') ?? '';
  const isPlain = LEGACY_NAME.test(name);
  const rest = [...labels].filter(([label]) => label !== '__name__').map(([label, value]) => `${LEGACY_NAME.test(label) ? label : quoted(label)}=${quoted(value)}`);
  const inside = name === '' || isPlain ? rest : [quoted(name), ...rest];
  return `${isPlain ? name : ''}${inside.length > 0 || !isPlain ? `{${inside.join(', ')}}` : ''}`;
}

/** Gives the names of the labels that the rows have, the metric's name first; null when they are too many for columns. */
export function columnsOf(rows: readonly Found[]): readonly string[] | null {
  const names = new Set<string>();
  for (const { row } of rows) for (const name of row.labels.keys()) names.add(name);
  if (names.size > COLUMNS_MAX) return null;
  return [...names].sort((a, b) => (a === '__name__' ? -1 : b === '__name__' ? 1 : a < b ? -1 : 1));
}

/** Gives the rows whose series holds all words of the filter. */
export function filtered(rows: readonly Found[], filter: string): readonly Found[] {
  const words = filter.toLowerCase().split(/\s+/).filter(word => word !== '');
  if (words.length === 0) return rows;
  return rows.filter(({ row }) => {
    const series = seriesText(row.labels).toLowerCase();
    return words.every(word => series.includes(word));
  });
}

/** Gives the rows in order; those that are the same in it stay as they came. NaN comes last. */
export function sorted(rows: readonly Found[], { by, down }: Sorting): readonly Found[] {
  const sign = down ? -1 : 1;
  if (by === 'value') return rows.toSorted((a, b) => byNumber(a.row.value, b.row.value, sign));
  const key = (one: Found): string => (by === 'query' ? one.query : by === 'series' ? seriesText(one.row.labels) : one.row.labels.get(by.slice(1)) ?? '');
  return rows.map(one => ({ one, at: key(one) })).sort((a, b) => compare(a.at, b.at) * sign).map(({ one }) => one);
}

function byNumber(a: number, b: number, sign: number): number {
  if (a !== a || b !== b) return Number(a !== a) - Number(b !== b);
  return (a < b ? -1 : a > b ? 1 : 0) * sign;
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

function compare(a: string, b: string): number {
  return COLLATOR.compare(a, b);
}

/** Writes one field of CSV; what a spreadsheet would take for a formula stays a text. */
function field(text: string, isNumber = false): string {
  const safe = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Writes rows as CSV (RFC 4180): query, a column for each label, time in UTC, value; of a native histogram count and sum. */
export function csvOf(rows: readonly Found[]): string {
  const names = [...new Set(rows.flatMap(({ row }) => [...row.labels.keys()]))].sort((a, b) => (a === '__name__' ? -1 : b === '__name__' ? 1 : a < b ? -1 : 1));
  const isWide = rows.some(({ row }) => row.histogram !== null);
  const head = ['query', ...names, 'time', 'value', ...(isWide ? ['count', 'sum'] : [])];
  const lines = rows.map(({ query, row }) => [
    field(query), ...names.map(name => field(row.labels.get(name) ?? '')), Number.isFinite(row.time) ? new Date(row.time).toISOString() : '',
    field(row.histogram ? '' : row.written, !Number.isNaN(Number(row.written)) || /^[+-]Inf$/.test(row.written)),
    ...(isWide ? [row.histogram ? `${row.histogram.count}` : '', row.histogram ? `${row.histogram.sum}` : ''] : []),
  ]);
  return [head.map(name => field(name)), ...lines].map(line => `${line.join(',')}\r\n`).join('');
}
