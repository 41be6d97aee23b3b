// Blocks (history) and frames (one step or a few) of live queries: docs/protocol.md.
import { isFields, labels, list, number, sample, text, type Labels } from './parse';

/** History of one query: its table of series, its steps, and one row of values for each series. */
export interface Block {
  readonly step: number;
  readonly series: readonly Labels[];
  readonly t: readonly number[];
  readonly v: readonly (readonly number[])[];
  /** Series that matched but are past the limit of what is drawn. */
  readonly more: number;
  /** What is doubtful about the values, for people. */
  readonly notes: readonly string[];
  /** The version of the server's table. */
  readonly table: number;
}

/**
 * One step, or a few; a correction has the same form. `from` is where new series join the table, -1 when none do; such a
 * frame has no steps.
 */
export interface Frame {
  readonly t: readonly number[];
  readonly v: readonly (readonly number[])[];
  readonly from: number;
  readonly series: readonly Labels[];
  readonly table: number;
}

const times = (value: unknown): number[] => list(value).map(t => number(t) ?? Number.NaN);
const rows = (value: unknown): number[][] => list(value).map(row => list(row).map(sample));

/** Parses a block, or gives null for what is none. */
export function parseBlock(value: unknown): Block | null {
  if (!isFields(value)) return null;
  const step = number(value['step']);
  if (step === null || step <= 0) return null;
  return { step, series: list(value['series']).map(labels), t: times(value['t']), v: rows(value['v']), more: number(value['more']) ?? 0, notes: list(value['notes']).map(one => text(one)).filter(one => one !== ''), table: number(value['table']) ?? 0 };
}

/** Parses a frame, or gives null for what is none. */
export function parseFrame(value: unknown): Frame | null {
  if (!isFields(value)) return null;
  const t = times(value['t']);
  const from = number(value['from']) ?? -1;
  if (t.length === 0 && from < 0) return null;
  return { t, v: rows(value['v']), from, series: list(value['series']).map(labels), table: number(value['table']) ?? 0 };
}
