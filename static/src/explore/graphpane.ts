// Where the graph stands: one chart at a time, made anew when its queries or its step are others.
import type { Table } from '../data/table';
import { shown } from '../data/names';
import { el } from '../page/dom';
import type { Stage } from '../page/stage';
import type { Still } from './asking';
import { Graph, panelOf, sectionOf, type Asked } from './graph';
import type { Steps } from './steps';

/** How long the graph may stand still while time moves on, ms. */
const LATE_MS = 300;
/** A width that changes under the hand is asked for when it rests, ms. */
const REST_MS = 200;
/** What of the graph's width is not plot: its gutter and paddings, pixels. */
const AROUND_PX = 64;

interface Standing {
  readonly graph: Graph;
  /** Its queries. */
  readonly key: string;
  /** The step of its live queries, ms; 0 when it has none. */
  readonly step: number;
}

export class GraphPane {
  readonly #pane: HTMLElement;
  readonly #stage: Stage;
  readonly #steps: Steps;
  readonly #sizes: ResizeObserver;
  #standing: Standing | null = null;
  #late: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /** `stepped` runs when another width makes another step. */
  constructor(pane: HTMLElement, stage: Stage, steps: Steps, stepped: () => void) {
    this.#pane = pane;
    this.#stage = stage;
    this.#steps = steps;
    steps.width = Math.max(1, pane.clientWidth - AROUND_PX);
    this.#sizes = new ResizeObserver(() => {
      clearTimeout(this.#rest);
      this.#rest = setTimeout(() => this.#resized(stepped), REST_MS);
    });
    this.#sizes.observe(pane);
  }

  stop(): void {
    clearTimeout(this.#late);
    clearTimeout(this.#rest);
    this.#sizes.disconnect();
    this.leave();
  }

  /** The chart, null while there is none. */
  get graph(): Graph | null {
    return this.#standing?.graph ?? null;
  }

  /** Follows live queries. A chart that does so already goes on. */
  follow(asked: readonly Asked[], step: number): void {
    if (asked.length === 0) return this.clear(this.#stage.parts.texts.explore.refused);
    const key = keyOf(asked);
    if (this.#standing?.key === key && this.#standing.step === step) return this.#standing.graph.changed();
    this.#make(asked, step, null, step);
  }

  /** Shows a stretch that stands still. A chart of the same queries keeps its live ones for later. */
  hold({ asked, tables }: Still): void {
    if (asked.length === 0) return this.clear(this.#stage.parts.texts.explore.refused);
    if (this.#standing?.key === keyOf(asked)) return this.#standing.graph.hold(tables);
    this.#make(asked, 0, tables, tables[0]?.step ?? 0);
  }

  /** There is nothing to draw: it says why. */
  clear(words: string): void {
    this.leave();
    this.#pane.replaceChildren(el('p', { class: 'explore-none text-2' }, words));
  }

  /** Ends the chart and its live queries. */
  leave(): void {
    this.#standing?.graph.stop();
    this.#standing = null;
    this.#pane.replaceChildren();
  }

  redraw(): void {
    this.#standing?.graph.changed();
  }

  /** After time moved on: draws once more where no samples of its own came. */
  redrawLate(): void {
    if (this.#late !== undefined) return;
    this.#late = setTimeout(() => {
      this.#late = undefined;
      this.#standing?.graph.catchUp();
    }, LATE_MS);
  }

  #make(asked: readonly Asked[], step: number, tables: readonly Table[] | null, drawn: number): void {
    this.leave();
    const { explore: words } = this.#stage.parts.texts;
    const panel = panelOf(words.graph, asked, step);
    const section = sectionOf(words.graphOf(asked.map(one => shown(one.expr)).join('; ')), words.graph);
    this.#pane.replaceChildren(section);
    const graph = new Graph(panel, section, this.#stage, drawn, tables);
    this.#standing = { graph, key: keyOf(asked), step };
    graph.start();
    graph.setSeen(true);
  }

  #resized(stepped: () => void): void {
    if (this.#pane.clientWidth === 0) return;
    const before = this.#stepNow();
    this.#steps.width = Math.max(1, this.#pane.clientWidth - AROUND_PX);
    if (this.#standing && this.#stepNow() !== before) stepped();
  }

  #stepNow(): number {
    const { view, span } = this.#stage;
    return view.kind === 'held' ? this.#steps.still(span.to - span.from) : this.#steps.live(span.to - span.from);
  }
}

function keyOf(asked: readonly Asked[]): string {
  return JSON.stringify(asked.map(({ letter, expr }) => [letter, expr]));
}
