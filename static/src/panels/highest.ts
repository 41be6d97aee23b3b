// The highest series of a query that matches more than can be drawn.
import type { Query } from '../boot';

/** Series of one query that the server sends. */
export const DRAWN_MAX = 50;

/** Asks the server for the name of the channel of an expression in a step. */
export type ChannelOf = (expr: string, step: number) => Promise<string>;

/** Gives the queries with those that match too much cut to their highest series; rejects when the server refuses one. */
export async function highestOf(queries: readonly Query[], more: readonly number[], channelOf: ChannelOf): Promise<Query[]> {
  return Promise.all(queries.map(async (query, i): Promise<Query> => {
    if ((more[i] ?? 0) === 0) return query;
    const exprs = new Map([...query.channels.keys()].map(step => [step, `topk(${DRAWN_MAX}, ${query.exprs.get(step) ?? query.expr})`]));
    const channels = await Promise.all([...exprs].map(async ([step, expr]) => [step, await channelOf(expr, step)] as const));
    return { ...query, expr: `topk(${DRAWN_MAX}, ${query.expr})`, exprs, channels: new Map(channels) };
  }));
}
