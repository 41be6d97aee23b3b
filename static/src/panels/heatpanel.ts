// A heat strip panel: many series of the same kind, such as cores.
import type { Panel } from '../boot';
import { gaps } from '../data/gaps';
import { valueAt } from '../data/table';
import { drawBands } from '../draw/bands';
import { drawHeat, shadesOf } from '../draw/heat';
import type { Area } from '../draw/geometry';
import { Overlay } from '../draw/overlay';
import { formatNumber } from '../format/number';
import { need } from '../page/dom';
import type { Stage } from '../page/stage';
import { Facts } from './facts';
import { HeatRows } from './heatrows';
import { PanelView } from './panel';
import { PlotPins } from './plotpins';

export class HeatPanel extends PanelView {
  readonly #plot: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #overlay: Overlay;
  readonly #pins: PlotPins;
  readonly #facts: Facts;
  readonly #rows: HeatRows;
  readonly #sizes: ResizeObserver;
  #shades: readonly string[] = [];
  #area: Area = { width: 0, height: 0, from: 0, to: 1 };

  constructor(panel: Panel, section: HTMLElement, stage: Stage) {
    super(panel, section, stage);
    const { ink, crosshair, texts } = stage.parts;
    this.#plot = need('.plot', section);
    this.#canvas = need('canvas.paint', section);
    this.#facts = new Facts(need('.legend', section), [texts.least, texts.median, texts.most]);
    this.#rows = new HeatRows(panel.queries[0]?.legend ?? '');
    this.#pins = new PlotPins(this.#plot, panel.id, stage.parts.pins, stage.parts.texts);
    this.#overlay = new Overlay(need<HTMLCanvasElement>('canvas.over', section), ink, {
      hover: time => crosshair.move(time === null ? null : this.#snapped(time), time === null ? null : panel.id),
      zoom: (from, to) => stage.act({ kind: 'zoom', from, to }),
      shift: by => stage.act({ kind: 'shift', by }),
      live: () => stage.act({ kind: 'live' }),
    });
    this.#sizes = new ResizeObserver(() => {
      this.#area = { ...this.#area, width: this.#plot.clientWidth, height: this.#plot.clientHeight };
      this.changed();
    });
    this.#sizes.observe(this.#plot);
  }

  override stop(): void {
    super.stop();
    this.#sizes.disconnect();
    this.#overlay.stop();
    this.#pins.stop();
  }

  /** Forgets the shades: the theme changed. */
  forgetInk(): void {
    this.#shades = [];
  }

  protected override paint(): void {
    const table = this.shown[0];
    if (!table) return;
    const { from, to } = this.stage.span;
    this.#area = { ...this.#area, from, to };
    if (this.#shades.length === 0) this.#shades = shadesOf(this.stage.parts.ink);
    this.#rows.fit(table);
    const { rows } = this.#rows;
    drawHeat(this.#canvas, this.#area.width, this.#area.height, {
      from, to, step: table.step, max: this.panel.max ?? 100, rows: rows.map(row => row.name), gaps: gaps([table], from, to),
      at: (row, k) => valueAt(table, rows[row]?.series ?? 0, k) * this.panel.scale,
    }, this.stage.parts.ink, this.#shades);
    const g = this.#canvas.getContext('2d');
    if (g) drawBands(g, this.#area, this.stage.bandsOf(this.panel.id, from, to), this.stage.parts.ink, true);
    this.readOut();
  }

  protected override readOut(): void {
    const table = this.shown[0];
    if (!table) return;
    const { crosshair } = this.stage.parts;
    const at = crosshair.time;
    const inside = at !== null && at >= this.#area.from && at <= this.#area.to;
    const moment = inside ? at : this.stage.view.kind === 'held' ? this.#area.to : table.newestFilled * table.step;
    this.#rows.fit(table);
    const values = this.#rows.rows.map(row => valueAt(table, row.series, Math.round(moment / table.step)) * this.panel.scale)
      .filter(value => value === value).sort((a, b) => a - b);
    const pick = (i: number): string => formatNumber(values[i] ?? Number.NaN, this.panel.decimals ?? 0);
    this.#facts.write([pick(0), pick(values.length >> 1), pick(values.length - 1)]);
    this.#overlay.draw(this.#area, at, crosshair.owner === this.panel.id, []);
    this.#pins.place(this.#area);
  }

  #snapped(time: number): number {
    const step = this.shown[0]?.step ?? 1000;
    return Math.min(this.stage.edge, Math.round(time / step) * step);
  }
}
