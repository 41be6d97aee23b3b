// The series of a panel, over all its queries: names, colours, and values at a moment.
import type { Panel } from '../boot';
import { distinctNames, legendName, seriesOrder, type Palette } from '../data/names';
import { valueAt, type Table } from '../data/table';
import type { Labels } from '../wire/parse';

/** One series of a panel: where its values stand, and how it is shown. */
export interface Track {
  readonly key: string;
  readonly name: string;
  readonly colour: number;
  readonly query: number;
  readonly series: number;
  readonly negative: boolean;
}

const NO_LABELS: Labels = new Map();

export function keyOf(labels: Labels): string {
  return [...labels].map(([name, value]) => `${name}=${value}`).sort().join(',');
}

/** Gives the tracks, a series without a name by the panel's title, in the order of the panel's queries, and within a query by `seriesOrder`. */
export function tracksOf(panel: Panel, tables: readonly (Table | null)[], palette: Palette): Track[] {
  const all = panel.queries.flatMap((query, q) => {
    const series = tables[q]?.series ?? [];
    return seriesOrder(series).map((s, place) => ({ query, q, s, place, labels: series[s] ?? NO_LABELS }));
  });
  const names = distinctNames(all.map(one => legendName(one.query.legend, one.labels) || panel.title), all.map(one => one.labels));
  return all.map(({ query, q, s, place, labels }, i) => {
    const key = `${q}|${keyOf(labels)}`;
    const colour = palette.of(key, place === 0 ? query.color : null);
    return { key, name: names[i] ?? '', colour, query: q, series: s, negative: query.negative };
  });
}

/** Tells whether tracks are the same, columns included: another table of the same series may have them in another order. */
export function sameTracks(a: readonly Track[], b: readonly Track[]): boolean {
  return a.length === b.length && a.every((track, i) => track.key === b[i]?.key && track.series === b[i]?.series);
}

/** Gives a track's value at a moment, as the panel shows it (scaled); NaN for none. */
export function trackAt(panel: Panel, tables: readonly (Table | null)[], track: Track, time: number): number {
  const table = tables[track.query];
  return table ? valueAt(table, track.series, Math.round(time / table.step)) * panel.scale : Number.NaN;
}

/** Gives a track's newest value. The step that came last counts: a series that ended has none. */
export function trackNow(panel: Panel, tables: readonly (Table | null)[], track: Track): number {
  const table = tables[track.query];
  return table && table.newestFilled >= 0 ? valueAt(table, track.series, table.newestFilled) * panel.scale : Number.NaN;
}
