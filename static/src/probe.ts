// window.watchroom: what the page holds, for tests to read. Nothing here changes anything.
import type { Table } from './data/table';
import type { FrameTimes } from './draw/queue';
import type { Stage } from './page/stage';
import type { PanelView } from './panels/panel';

interface SeriesCopy {
  readonly labels: Readonly<Record<string, string>>;
  readonly t: readonly number[];
  readonly v: readonly number[];
}

export interface Probe {
  panels(): { id: string; title: string; queries: { expr: string; state: string; series: SeriesCopy[] }[] }[];
  link(): { state: string; delay: number | null; rate: number; edge: number; slowed: number | null; trip: number | null };
  frames(): FrameTimes;
  resetFrames(): void;
}

declare global {
  interface Window {
    watchroom?: Probe;
  }
}

function copies(table: Table): SeriesCopy[] {
  const steps = [...table.held].filter(k => k >= 0).sort((a, b) => a - b);
  return table.series.map((labels, i) => ({
    labels: Object.fromEntries(labels), t: steps.map(k => k * table.step),
    v: steps.map(k => table.columns[i]?.[k % table.capacity] ?? Number.NaN),
  }));
}

export function probeOf(stage: Stage, board: { readonly panels: readonly PanelView[] }): Probe {
  const { link, pulse, queue, serverTime } = stage.parts;
  return {
    panels: () => board.panels.map(view => ({
      id: view.panel.id, title: view.panel.title,
      queries: view.panel.queries.map((query, i) => {
        const table = view.tables[i];
        return { expr: query.expr, state: view.stateOf(i), series: table ? copies(table) : [] };
      }),
    })),
    link: () => ({
      state: link.state.kind, delay: pulse.delay, rate: pulse.rate, edge: pulse.edge,
      slowed: link.state.kind === 'live' ? link.state.slowed?.step ?? null : null, trip: serverTime.trip,
    }),
    frames: () => queue.times,
    resetFrames: () => queue.resetTimes(),
  };
}
