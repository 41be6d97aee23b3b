// What the page shows, as its address says it after the `#`.

export type ExploreTab = 'graph' | 'table';

export interface ExploreQuery {
  readonly expr: string;
  readonly on: boolean;
}

/** A stretch that stands still, ms since the epoch. */
export interface FixedStretch {
  readonly from: number;
  readonly to: number;
}

export interface ExploreState {
  /** One or more; the page has at least one row. */
  readonly queries: readonly ExploreQuery[];
  readonly tab: ExploreTab;
  /** Id of the range that is shown live, also while a stretch stands still. */
  readonly range: string;
  /** Null follows the newest sample. */
  readonly stretch: FixedStretch | null;
  /** The step that was asked for, ms; null leaves it to the page. */
  readonly step: number | null;
}

/** Most queries of a page: each is a live query of its own, and a graph of more colours than these is read by nobody. */
export const QUERIES_MAX = 8;
/** Most letters of a query; the server takes 16 KiB. */
export const EXPR_LETTERS_MAX = 5_000;

export const EMPTY: ExploreState = { queries: [{ expr: '', on: true }], tab: 'graph', range: '15m', stretch: null, step: null };

/** Writes the address. */
export function hashOf(state: ExploreState): string {
  const words = new URLSearchParams();
  for (const { expr, on } of state.queries) words.append(on ? 'q' : 'off', expr);
  words.set('range', state.range);
  if (state.stretch) {
    words.set('from', `${state.stretch.from}`);
    words.set('to', `${state.stretch.to}`);
  }
  if (state.step !== null) words.set('step', `${state.step}`);
  if (state.tab !== 'graph') words.set('tab', state.tab);
  return `#${words}`;
}

/** Reads an address; what it does not say, or says wrongly, is as on an empty page. Queries past the limits are left out. */
export function stateOf(hash: string, ranges: readonly string[]): ExploreState {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const queries = [...words].filter(([name]) => name === 'q' || name === 'off')
    .map(([name, expr]) => ({ expr, on: name === 'q' })).filter(({ expr }) => expr.length <= EXPR_LETTERS_MAX).slice(0, QUERIES_MAX);
  const range = words.get('range') ?? '';
  const [from, to, step] = [whole(words.get('from')), whole(words.get('to')), whole(words.get('step'))];
  return {
    queries: queries.length > 0 ? queries : EMPTY.queries,
    tab: words.get('tab') === 'table' ? 'table' : 'graph',
    range: ranges.includes(range) ? range : EMPTY.range,
    stretch: from !== null && to !== null && from < to ? { from, to } : null,
    step: step !== null && step > 0 ? step : null,
  };
}

/** The last day that a browser's clock knows, ms. */
const TIME_MAX = 8.64e15;

function whole(text: string | null): number | null {
  const n = text === null || !/^\d{1,16}$/.test(text) ? Number.NaN : Number(text);
  return n <= TIME_MAX ? n : null;
}
