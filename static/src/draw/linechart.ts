// One Chart.js chart of one panel. It is made once, and mutated from then on.
import { Chart, LineController, LineElement, LinearScale, PointElement, type ChartArea, type ChartDataset, type Plugin } from 'chart.js';
import type { ChartModel, Dot } from './model';
import { drawGaps, drawGapWords, drawGrid, drawLimit, drawLimitWords, drawTimes } from './axes';
import { drawBands } from './bands';
import { PLOT, plotBottom, plotRight, xOf, yOf, type Area } from './geometry';
import { fillBelow, lonely, type Spot } from './areas';
import type { Ink } from './ink';
import { crosses, type Box } from './labels';

/** Chart.js's line, without a visit to each of its points: they have no radius, so there is nothing to draw. */
class TraceController extends LineController {
  static override readonly id = 'line';

  override draw(): void {
    const line = this.getMeta().dataset;
    if (!(line instanceof LineElement)) return;
    const { ctx: g, chartArea: area } = this.chart;
    g.save();
    g.beginPath();
    g.rect(area.left, area.top - 1, area.right - area.left, area.bottom - area.top + 2);
    g.clip();
    drawLine(line, g, area);
    g.restore();
  }
}

function drawLine(line: LineElement & { draw(g: CanvasRenderingContext2D, area: ChartArea): void }, g: CanvasRenderingContext2D, area: ChartArea): void {
  line.draw(g, area);
}

Chart.register(TraceController, LineElement, LinearScale, PointElement);

type Line = ChartDataset<'line', Dot[]>;

const LINE_PX = 1.5;
const STACK_PX = 1;
const EDGE_PX = 2;

export class LineChart {
  readonly #chart: Chart<'line', Dot[]>;
  readonly #ink: Ink;
  #model: ChartModel | null = null;
  #updating = false;
  #dressed = -1;
  #width = 0;
  #height = 0;

  constructor(canvas: HTMLCanvasElement, ink: Ink) {
    this.#ink = ink;
    this.#chart = new Chart<'line', Dot[]>(canvas, {
      type: 'line',
      data: { datasets: [] },
      plugins: [this.#furniture()],
      options: {
        animation: false, responsive: false, maintainAspectRatio: false, parsing: false, normalized: true, events: [], spanGaps: false, clip: false,
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
    if (width <= 0 || height <= 0) return;
    this.#updating = true;
    this.#chart.resize(width, height);
    this.#updating = false;
  }

  draw(model: ChartModel): void {
    if (this.#width <= 0 || this.#height <= 0) return;
    this.#model = model;
    if (this.#fitLines(model)) this.#update(model);
    this.#place(model);
    this.#chart.draw();
  }

  destroy(): void {
    this.#chart.destroy();
  }

  /** Lets Chart.js make its elements: once for each number of lines and points, not once a second. */
  #update(model: ChartModel): void {
    const { x, y } = this.#chart.options.scales ?? {};
    if (x && y) {
      x.min = model.from;
      x.max = model.to;
      y.min = model.scale.min;
      y.max = model.scale.max;
    }
    this.#updating = true;
    this.#chart.update('none');
    this.#updating = false;
  }

  /**
   * Moves the elements to where the samples are now. Chart.js's own update resolves options and scales anew each time,
   * which costs three times as much as all the rest of a draw.
   */
  #place(model: ChartModel): void {
    const area = this.#area(model);
    const perMs = (plotRight(area) - PLOT.left) / (model.to - model.from);
    const bottom = plotBottom(area);
    const perUnit = (bottom - PLOT.top) / (model.scale.max - model.scale.min);
    model.traces.forEach((trace, i) => {
      const meta = this.#chart.getDatasetMeta(i);
      const spots: Spot[] = meta.data;
      for (let j = 0; j < spots.length; j++) {
        const [spot, point] = [spots[j], trace.points[j]];
        if (!spot || !point) continue;
        spot.x = PLOT.left + (point.x - model.from) * perMs;
        spot.y = bottom - (point.y - model.scale.min) * perUnit;
        spot.skip = point.y !== point.y;
      }
      if (meta.dataset instanceof LineElement) Object.assign(meta.dataset, { points: meta.data });
    });
  }

  /**
   * Fits data sets to the traces and tells whether Chart.js must be told: lines, points or colours are others.
   * It draws the last data set first, so the first query lies on top.
   */
  #fitLines(model: ChartModel): boolean {
    let changed = this.#dressed !== this.#ink.worn;
    this.#dressed = this.#ink.worn;
    if (this.#chart.data.datasets.length !== model.traces.length) {
      this.#chart.data.datasets = model.traces.map((trace): Line => ({ data: trace.points }));
      changed = true;
    }
    model.traces.forEach((trace, i) => {
      const dataset = this.#chart.data.datasets[i];
      if (!dataset) return;
      if (dataset.data !== trace.points) changed = true;
      dataset.data = trace.points;
      dataset.borderColor = this.#ink.series(trace.colour);
      dataset.borderWidth = model.fill === 'below' ? STACK_PX : LINE_PX;
    });
    return changed;
  }

  #area(model: ChartModel): Area {
    return { width: this.#width, height: this.#height, from: model.from, to: model.to };
  }

  /** Draws what belongs to the plot but is no line: below the lines the grid, above them the newest samples. */
  #furniture(): Plugin<'line'> {
    return {
      id: 'furniture',
      beforeDraw: () => !this.#updating,
      beforeDatasetsDraw: chart => {
        const model = this.#model;
        if (!model) return;
        const area = this.#area(model);
        const g = chart.ctx;
        g.save();
        drawBands(g, area, model.bands, this.#ink, false);
        drawGaps(g, area, model.gaps, this.#ink);
        if (model.staleSince !== null) drawGaps(g, area, [{ from: model.staleSince, to: model.to }], this.#ink);
        drawGrid(g, area, model.scale, this.#ink, model.mirrored, false);
        if (model.limit) drawLimit(g, area, model.scale, model.limit.at, 'text-3', this.#ink);
        for (const { at, ink } of model.limits) drawLimit(g, area, model.scale, at, ink, this.#ink);
        drawTimes(g, area, this.#ink);
        g.restore();
        if (model.staleSince !== null) g.globalAlpha = 0.5;
        if (model.fill !== 'none') this.#fill(g, area, model);
      },
      afterDatasetsDraw: chart => {
        const model = this.#model;
        const g = chart.ctx;
        if (model) this.#alone(g, model);
        g.globalAlpha = 1;
        if (!model) return;
        if (model.live && model.staleSince === null && model.fill !== 'below') this.#edge(g, model);
        this.#words(g, model);
      },
    };
  }

  /** Draws a dot for each sample without neighbours: a line of one point cannot be seen. */
  #alone(g: CanvasRenderingContext2D, model: ChartModel): void {
    this.#clip(g, this.#area(model));
    for (const [i, trace] of model.traces.entries()) {
      g.fillStyle = this.#ink.series(trace.colour);
      for (const spot of lonely(this.#spots(i))) {
        g.beginPath();
        g.arc(spot.x, spot.y, EDGE_PX, 0, 7);
        g.fill();
      }
    }
    g.restore();
  }

  /** Writes what gaps and the limit are: last, where no line passes. */
  #words(g: CanvasRenderingContext2D, model: ChartModel): void {
    const area = this.#area(model);
    const crossed = (box: Box): boolean => model.traces.some((_, i) => crosses(this.#spots(i), box));
    g.save();
    const stale = model.staleSince === null ? null : { from: model.staleSince, to: model.to };
    const hatched = stale === null ? model.gaps : [...model.gaps, stale];
    drawGapWords(g, area, hatched, this.#ink, gap => (gap === stale ? '' : model.words.gap(gap)), crossed);
    if (model.limit) drawLimitWords(g, area, model.scale, model.limit, this.#ink, crossed);
    g.restore();
  }

  /** Keeps what is drawn next within the plot; `restore` ends it. Half a dot may reach out, so that the ends are whole. */
  #clip(g: CanvasRenderingContext2D, area: Area): void {
    g.save();
    g.beginPath();
    g.rect(PLOT.left, PLOT.top - EDGE_PX, plotRight(area) - PLOT.left + EDGE_PX, plotBottom(area) - PLOT.top + 2 * EDGE_PX);
    g.clip();
  }

  #fill(g: CanvasRenderingContext2D, area: Area, model: ChartModel): void {
    g.save();
    g.beginPath();
    g.rect(PLOT.left, PLOT.top, plotRight(area) - PLOT.left, plotBottom(area) - PLOT.top);
    g.clip();
    const zero = yOf(area, model.scale, 0);
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
      if (!spot || Math.abs(spot.x - xOf(area, model.to)) > 3 || spot.y < PLOT.top - 1 || spot.y > plotBottom(area) + 1) continue;
      g.beginPath();
      g.arc(spot.x, spot.y, EDGE_PX, 0, 7);
      g.fillStyle = this.#ink.series(trace.colour);
      g.fill();
    }
  }
}
