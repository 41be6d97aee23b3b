// The busiest processes of a machine: docs/protocol.md.
import { isFields, list, number, text } from './parse';

export interface Process {
  readonly pid: number;
  readonly name: string;
  readonly args: string;
  readonly user: string;
  /** Percent of one core. */
  readonly cpu: number;
  /** Share of all memory, 0 to 1. */
  readonly memory: number;
  /** Bytes a second; NaN where the system does not tell. */
  readonly read: number;
  readonly write: number;
  readonly state: string;
}

export interface Top {
  readonly t: number;
  /** How many processes there are. */
  readonly count: number;
  readonly rows: readonly Process[];
}

export function parseTop(value: unknown): Top | null {
  if (!isFields(value) || number(value['t']) === null) return null;
  const rows = list(value['rows']).filter(isFields).map(row => ({
    pid: number(row['pid']) ?? 0, name: text(row['name']), args: text(row['args']), user: text(row['user']),
    cpu: number(row['cpu']) ?? Number.NaN, memory: number(row['memory']) ?? Number.NaN,
    read: number(row['read']) ?? Number.NaN, write: number(row['write']) ?? Number.NaN, state: text(row['state']),
  }));
  return { t: number(value['t']) ?? 0, count: number(value['count']) ?? rows.length, rows };
}

export type Column = 'cpu' | 'memory' | 'read' | 'write';

/** Gives the rows in descending order of a column; what is unknown comes last, and equals keep the order of their pid. */
export function sorted(rows: readonly Process[], by: Column): Process[] {
  const value = (row: Process): number => (row[by] === row[by] ? row[by] : -1);
  return rows.toSorted((a, b) => value(b) - value(a) || a.pid - b.pid);
}
