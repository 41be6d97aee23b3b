// One Chart.js chart of one panel. It is made once, and mutated from then on.
import { Chart, LineController, LineElement, LinearScale, PointElement, type ChartDataset, type Plugin } from 'chart.js';
import type { ChartModel, Dot } from './model';
import { drawGaps, drawGrid, drawLimit, drawTimes } from './axes';
import { PLOT, plotBottom, plotRight, xOf, type Area } from './geometry';
import { fillBelow, type Spot } from './areas';
import type { Ink } from './ink';

Chart.register(LineController, LineElement, LinearScale, PointElement);

type Line = ChartDataset<'line', Dot[]>;

const LINE_PX = 1.5;
const STACK_PX = 1;
const EDGE_PX = 2;

export class LineChart {
  readonly #chart: Chart<'line', Dot[]>;
  readonly #ink: Ink;
  #model: ChartModel | null = null;
  #width = 0;
  #height = 0;

  constructor(canvas: HTMLCanvasElement, ink: Ink) {
    this.#ink = ink;
    this.#chart = new Chart<'line', Dot[]>(canvas, {
      type: 'line',
      data: { datasets: [] },
      plugins: [this.#furniture()],
      options: {
        animation: false, responsive: false, maintainAspectRatio: false, parsing: false, normalized: true, events: [], spanGaps: false,
        layout: { padding: { ...PLOT }, autoPadding: false },
        elements: { point: { radius: 0, hitRadius: 0 }, line: { tension: 0, borderJoinStyle: 'round' } },
        scales: {
          x: { type: 'linear', display: false, ticks: { display: false, maxTicksLimit: 2 } },
          y: { type: 'linear', display: false, ticks: { display: false, maxTicksLimit: 2 } },
        },
      },
    });
  }

  resize(width: number, height: number): void {
    if (width === this.#width && height === this.#height) return;
    this.#width = width;
    this.#height = height;
    if (width > 0 && height > 0) this.#chart.resize(width, height);
  }

  draw(model: ChartModel): void {
    if (this.#width <= 0 || this.#height <= 0) return;
    this.#model = model;
    this.#fitLines(model);
    const { x, y } = this.#chart.options.scales ?? {};
    if (x && y) {
      x.min = model.from;
      x.max = model.to;
      y.min = model.scale.min;
      y.max = model.scale.max;
    }
    this.#chart.update('none');
  }

  destroy(): void {
    this.#chart.destroy();
  }

  /** Chart.js draws the last data set first, so the first query lies on top. */
  #fitLines(model: ChartModel): void {
    const lines: Line[] = this.#chart.data.datasets;
    if (lines.length !== model.traces.length) {
      this.#chart.data.datasets = model.traces.map(trace => ({ data: trace.points }));
    }
    model.traces.forEach((trace, i) => {
      const dataset = this.#chart.data.datasets[i];
      if (!dataset) return;
      if (dataset.data !== trace.points) dataset.data = trace.points;
      const colour = this.#ink.series(trace.colour);
      if (dataset.borderColor !== colour) dataset.borderColor = colour;
      dataset.borderWidth = model.fill === 'below' ? STACK_PX : LINE_PX;
    });
  }

  #area(model: ChartModel): Area {
    return { width: this.#width, height: this.#height, from: model.from, to: model.to };
  }

  /** Draws what belongs to the plot but is no line: below the lines the grid, above them the newest samples. */
  #furniture(): Plugin<'line'> {
    return {
      id: 'furniture',
      beforeDatasetsDraw: chart => {
        const model = this.#model;
        if (!model) return;
        const area = this.#area(model);
        const g = chart.ctx;
        g.save();
        drawGaps(g, area, this.#missing(model), this.#ink, model.words.gap);
        drawGrid(g, area, model.scale, this.#ink, model.mirrored, false);
        if (model.limit) drawLimit(g, area, model.scale, model.limit, this.#ink);
        drawTimes(g, area, this.#ink);
        g.restore();
        if (model.staleSince !== null) g.globalAlpha = 0.5;
        if (model.fill !== 'none') this.#fill(g, area, model);
      },
      afterDatasetsDraw: chart => {
        const model = this.#model;
        chart.ctx.globalAlpha = 1;
        if (model && model.live && model.staleSince === null && model.fill !== 'below') this.#edge(chart.ctx, model);
      },
    };
  }

  #missing(model: ChartModel): ChartModel['gaps'] {
    return model.staleSince === null ? model.gaps : [...model.gaps, { from: model.staleSince, to: model.to }];
  }

  #fill(g: CanvasRenderingContext2D, area: Area, model: ChartModel): void {
    g.save();
    g.beginPath();
    g.rect(PLOT.left, 0, plotRight(area) - PLOT.left, plotBottom(area));
    g.clip();
    const zero = this.#chart.scales['y']?.getPixelForValue(0) ?? plotBottom(area);
    model.traces.forEach((trace, i) => {
      g.fillStyle = this.#ink.faded(`series-${trace.colour}`, this.#ink.areaAlpha);
      fillBelow(g, this.#spots(i), model.fill === 'below' && i > 0 ? this.#spots(i - 1) : null, zero);
    });
    g.restore();
  }

  #spots(i: number): readonly Spot[] {
    return this.#chart.getDatasetMeta(i).data;
  }

  #edge(g: CanvasRenderingContext2D, model: ChartModel): void {
    const area = this.#area(model);
    for (const [i, trace] of model.traces.entries()) {
      const spot = this.#spots(i).findLast(one => one.skip !== true);
      if (!spot || Math.abs(spot.x - xOf(area, model.to)) > 3) continue;
      g.beginPath();
      g.arc(spot.x, spot.y, EDGE_PX, 0, 7);
      g.fillStyle = this.#ink.series(trace.colour);
      g.fill();
    }
  }
}
