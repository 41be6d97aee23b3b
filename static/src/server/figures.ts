// The figures over the tabs: what all nodes do together, each with its last quarter of an hour.
import type { Ink } from '../draw/ink';
import { Spark } from '../draw/spark';
import { NBSP } from '../format/number';
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import { parseBlock } from '../wire/block';
import type { Sums } from './fleet';
import { SLOT_MS, SLOTS, Trail } from './trail';
import { cost, count, kibi, perSecond } from './words';

interface Figure {
  readonly id: string;
  /** What was before this page was opened; the server measures itself. */
  readonly expr: string;
  /** What its line draws; null is not known. */
  readonly value: (sums: Sums) => number | null;
  /** Number and unit as they are written. */
  readonly parts: (sums: Sums, texts: Texts) => readonly [string, string];
}

const rated = (rate: number | null, texts: Texts): readonly [string, string] => [perSecond(rate), rate === null ? '' : texts.perSecond];

function waiting(bytes: number): readonly [string, string] {
  const [value = '', unit = ''] = kibi(bytes).split(NBSP);
  return [value, unit];
}

const OWN = '{job="watchroom"}';

export const FIGURES: readonly Figure[] = [
  { id: 'connections', expr: `sum(watchroom_connections${OWN})`, value: sums => sums.connections, parts: sums => [count(sums.connections), ''] },
  { id: 'deliveries', expr: `sum(rate(watchroom_deliveries_total${OWN}[5s]))`, value: sums => sums.deliveries, parts: (sums, texts) => rated(sums.deliveries, texts) },
  { id: 'publications', expr: `sum(rate(watchroom_publications_total${OWN}[5s]))`, value: sums => sums.publications, parts: (sums, texts) => rated(sums.publications, texts) },
  { id: 'waiting', expr: `sum(watchroom_queue_bytes${OWN})`, value: sums => sums.waiting, parts: sums => waiting(sums.waiting) },
  // The number stands since the start; its line shows when they were closed.
  {
    id: 'closed', expr: 'sum(rate(watchroom_closes_total{job="watchroom",code="3008"}[5s]))', value: sums => sums.closing,
    parts: (sums, texts) => [count(sums.closedSlow), texts.server.figures.since],
  },
  {
    id: 'cost', expr: `1e6 * sum(rate(process_cpu_seconds_total${OWN}[10s])) / sum(rate(watchroom_deliveries_total${OWN}[10s]))`, value: sums => sums.cost,
    parts: sums => cost(sums.cost),
  },
];

interface Place {
  readonly figure: Figure;
  readonly trail: Trail;
  readonly canvas: HTMLCanvasElement;
  readonly spark: Spark;
  readonly value: Element | null;
  readonly unit: Element | null;
}

export class Figures {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  readonly #ink: Ink;
  readonly #places: readonly Place[];
  readonly #sizes: ResizeObserver;
  #stopped = false;

  constructor(box: HTMLElement, texts: Texts, ink: Ink) {
    this.#box = box;
    this.#texts = texts;
    this.#ink = ink;
    this.#places = FIGURES.map(figure => {
      const root = need(`[data-figure="${figure.id}"]`, box);
      const canvas = need<HTMLCanvasElement>('canvas', root);
      const [value = null, unit = null] = need('.stat-value', root).children;
      return { figure, trail: new Trail(), canvas, spark: new Spark(canvas), value, unit };
    });
    this.#sizes = new ResizeObserver(() => this.draw());
    this.#sizes.observe(box);
  }

  stop(): void {
    this.#stopped = true;
    this.#sizes.disconnect();
  }

  write(sums: Sums, now: number): void {
    for (const { figure, trail, value, unit } of this.#places) {
      const [number, words] = figure.parts(sums, this.#texts);
      write(value, number);
      write(unit, words);
      trail.add(now, figure.value(sums) ?? Number.NaN);
    }
    this.draw();
  }

  /** Marks that the figures are not of now. */
  stale(isStale: boolean): void {
    for (const stat of this.#box.children) stat.classList.toggle('is-stale', isStale);
  }

  /** Asks for what was before the page was opened, one figure after the other; what is not answered stays empty. */
  async before(call: (method: string, request: unknown) => Promise<unknown>, now: number): Promise<void> {
    const end = Math.floor(now / SLOT_MS) * SLOT_MS;
    for (const { figure, trail } of this.#places) {
      if (this.#stopped) return;
      try {
        const block = parseBlock(await call('range', { expr: figure.expr, start: end - (SLOTS - 1) * SLOT_MS, end, step: SLOT_MS }));
        if (block) trail.fill(block);
      } catch {
        // Refused, or the link broke: the line begins where the page was opened.
      }
    }
    this.draw();
  }

  draw(): void {
    for (const { canvas, spark, trail } of this.#places) spark.draw(canvas.clientWidth, canvas.clientHeight, SLOTS, i => trail.at(i), this.#ink);
  }
}
