// History for a view that stands still: one range query for each query of a panel.
import type { Query } from '../boot';
import { emptyTable, withBackfill, type Table } from '../data/table';
import { parseBlock } from '../wire/block';
import type { Link } from './link';

/** A stretch of time in steps, ms. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Gives one table for each query; rejects when one of them fails. Steps are whole multiples of `step`. */
export async function fetchHistory(link: Link, queries: readonly Query[], stretch: Stretch): Promise<Table[]> {
  const { step } = stretch;
  const start = Math.floor(stretch.from / step) * step;
  const end = Math.ceil(stretch.to / step) * step;
  return Promise.all(queries.map(async query => {
    const expr = query.exprs.get(step) ?? query.expr;
    const block = parseBlock(await link.call('range', { expr, start, end, step }));
    const table = emptyTable(step, (end - start) / step + 2);
    return block && block.step === step ? withBackfill(table, block) : table;
  }));
}
