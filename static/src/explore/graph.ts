// The graph: the chart of panels, over queries of one's own. Live it has their feeds; of a stretch that stands still, tables.
import type { Panel, Query } from '../boot';
import type { Table } from '../data/table';
import { el } from '../page/dom';
import type { Stage } from '../page/stage';
import { ChartPanel } from '../panels/chartpanel';

/** One query, by the letter of its row, and the channel of its live query; empty where it is not asked live. */
export interface Asked {
  readonly letter: string;
  readonly expr: string;
  readonly channel: string;
}

/** Gives the panel that a chart of queries is. */
export function panelOf(title: string, asked: readonly Asked[], step: number): Panel {
  const query = ({ expr, channel }: Asked): Query => ({ expr, legend: '', color: null, negative: false, channels: new Map(channel === '' ? [] : [[step, channel]]), exprs: new Map() });
  return {
    id: 'explore', title, unit: '', kind: 'line', width: 12, tall: false, min: null, max: null, decimals: null, scale: 1, total: '',
    limit: null, rest: '', source: '', more: '', empty: '', queries: asked.map(query),
  };
}

/** Writes a section as the server writes that of a panel. */
export function sectionOf(label: string, title: string): HTMLElement {
  return el('section', { class: 'panel explore-panel', 'aria-label': title, tabindex: '-1' },
    el('header', { class: 'panel-head' }, el('div', { class: 'panel-tools' })),
    el('div', { class: 'plot' }, el('canvas', { class: 'paint', role: 'img', 'aria-label': label }), el('canvas', { class: 'over', 'aria-hidden': 'true' })),
    el('dl', { class: 'legend' }));
}

export class Graph extends ChartPanel {
  readonly #step: number;
  #still: readonly Table[] | null;

  /** `still` are the tables of a stretch that stands still, null for a live graph. */
  constructor(panel: Panel, section: HTMLElement, stage: Stage, step: number, still: readonly Table[] | null) {
    super(panel, section, stage, true);
    this.#step = step;
    this.#still = still;
  }

  /** Shows a stretch that stands still. */
  hold(tables: readonly Table[]): void {
    this.#still = tables;
    this.changed();
  }

  protected override get shown(): readonly (Table | null)[] {
    return this.stage.view.kind === 'held' && this.#still ? this.#still : this.tables;
  }

  /** The page asks for what stands still: it knows the step, and what to say of a refusal. */
  protected override get followsTime(): boolean {
    return false;
  }

  protected override stepWanted(): number {
    return this.#step;
  }

  /** A stretch has its first series drawn, and the number of all said; only a live graph can be asked for its highest. */
  protected override overflows(): boolean {
    return this.stage.view.kind === 'live' && super.overflows();
  }
}
