// A panel with lines: line, stack, mirror.
import type { Panel } from '../boot';
import { gaps, newestSample, staleFor } from '../data/gaps';
import { Palette } from '../data/names';
import { calmScale, scaleFor, type Scale } from '../data/ticks';
import type { Table } from '../data/table';
import type { Trace } from '../draw/model';
import { yOf, type Area } from '../draw/geometry';
import { LineChart } from '../draw/linechart';
import { Overlay, type CrossDot } from '../draw/overlay';
import { formatNumber } from '../format/number';
import { strideOf } from '../live/link';
import { duration } from '../format/time';
import { need } from '../page/dom';
import type { Stage } from '../page/stage';
import { isFields, text } from '../wire/parse';
import { highestOf } from './highest';
import { Legend } from './legend';
import { PanelView } from './panel';
import { PlotPins } from './plotpins';
import { fillTraces, tracesFor, type Extent } from './traces';
import { sameTracks, trackAt, trackNow, tracksOf, type Track } from './tracks';

/** Room over a limit that nothing exceeds: the axis ends there, and the limit's words fit below. */
const LIMIT_ROOM = 1.1;
/** By how much the parts of a whole may pass it, measured at slightly other moments. */
const WHOLE_PASSED = 1.02;

export class ChartPanel extends PanelView {
  readonly #plot: HTMLElement;
  readonly #chart: LineChart;
  readonly #overlay: Overlay;
  readonly #pins: PlotPins;
  readonly #legend: Legend;
  readonly #palette: Palette;
  readonly #sizes: ResizeObserver;
  #tracks: readonly Track[] = [];
  /** Of those, the ones that are drawn: all, or one alone. */
  #drawn: readonly Track[] = [];
  #alone: string | null = null;
  #traces: readonly Trace[] = [];
  #scale: Scale | null = null;
  /** How many series matched when the highest were chosen; 0 while all are asked for. */
  #chosenOf = 0;
  #area: Area = { width: 0, height: 0, from: 0, to: 1 };

  /** With `choosing`, a click in the legend shows a series alone. */
  constructor(panel: Panel, section: HTMLElement, stage: Stage, choosing = false) {
    super(panel, section, stage);
    const { ink, crosshair } = stage.parts;
    this.#plot = need('.plot', section);
    this.#chart = new LineChart(need<HTMLCanvasElement>('canvas.paint', section), ink);
    this.#legend = new Legend(need('.legend', section), stage.parts.texts, choosing ? key => this.#showAlone(key === this.#alone ? null : key) : null);
    this.#palette = new Palette(panel.queries.map(query => query.color).filter(colour => colour !== null));
    this.#pins = new PlotPins(this.#plot, panel.id, stage.parts.pins, stage.parts.texts);
    this.#overlay = new Overlay(need<HTMLCanvasElement>('canvas.over', section), ink, {
      hover: time => crosshair.move(time === null ? null : this.#snapped(time), time === null ? null : panel.id),
      zoom: (from, to) => stage.act({ kind: 'zoom', from, to }),
      shift: by => stage.act({ kind: 'shift', by }),
      live: () => stage.act({ kind: 'live' }),
    });
    this.#sizes = new ResizeObserver(() => this.#resized());
    this.#sizes.observe(this.#plot);
  }

  override stop(): void {
    super.stop();
    this.#sizes.disconnect();
    this.#overlay.stop();
    this.#pins.stop();
    this.#chart.destroy();
  }

  protected override paint(): void {
    const { from, to } = this.stage.span;
    const tables = this.shown;
    const there = tables.filter(table => table !== null);
    this.#fit(tables);
    const extent = fillTraces(this.#traces, this.#drawn, tables, this.panel, from, to);
    this.#scale = this.#scaled(extent);
    this.#area = { ...this.#area, from, to };
    const live = this.stage.view.kind === 'live';
    const newest = newestSample(there);
    const silent = live && this.stage.parts.link.state.kind === 'live' ? staleFor(newest, to, (there[0]?.step ?? 1000) * strideOf(this.stage.parts.link.state)) : 0;
    const { texts } = this.stage.parts;
    this.words.stale(silent > 0 ? texts.stale(duration(silent, texts.units)) : '');
    this.#chart.draw({
      from, to, scale: this.#scale, traces: this.#traces, gaps: gaps(there, from, to), bands: this.stage.bandsOf(this.panel.id, from, to), limit: this.panel.kind === 'stack' && this.#scale.max === this.panel.limit?.at ? null : this.panel.limit,
      limits: this.stage.limitsOf(this.panel),
      fill: this.panel.kind === 'stack' ? 'below' : this.panel.kind === 'mirror' ? 'zero' : 'none',
      mirrored: this.panel.kind === 'mirror', staleSince: silent > 0 ? newest : null, live,
      words: { gap: gap => texts.gap(duration(gap.to - gap.from, texts.units)) },
    });
    this.readOut();
  }

  protected override readOut(): void {
    const { crosshair } = this.stage.parts;
    const tables = this.shown;
    const at = crosshair.time;
    const inside = at !== null && at >= this.#area.from && at <= this.#area.to;
    const moment = inside ? at : this.stage.view.kind === 'held' ? this.#area.to : null;
    const values = this.#tracks.map(track => (moment === null ? trackNow(this.panel, tables, track) : trackAt(this.panel, tables, track, moment)));
    const sum = values.reduce((all, value) => (value === value ? all + value : all), 0);
    const write = (value: number): string => formatNumber(value, this.panel.decimals);
    const known = values.some(value => value === value);
    const { limit } = this.panel;
    this.#legend.write(values.map(write), write(known ? sum : Number.NaN), write(known && limit ? limit.at - sum : Number.NaN));
    this.#overlay.draw(this.#area, at, crosshair.owner === this.panel.id, inside ? this.#dots(values) : []);
    this.#pins.place(this.#area);
  }

  #dots(values: readonly number[]): CrossDot[] {
    const scale = this.#scale;
    if (!scale) return [];
    let below = 0;
    return values.flatMap((value, i) => {
      const track = this.#tracks[i];
      if (value !== value || !track || !this.#drawn.includes(track)) return [];
      below += value;
      const shown = this.panel.kind === 'stack' ? below : track.negative ? -value : value;
      return shown < scale.min || shown > scale.max ? [] : [{ y: yOf(this.#area, scale, shown), colour: track.colour }];
    });
  }

  #fit(tables: readonly (Table | null)[]): void {
    const tracks = tracksOf(this.panel, tables, this.#palette);
    if (sameTracks(tracks, this.#tracks)) return;
    this.#tracks = tracks;
    this.#legend.fit(tracks, this.panel);
    this.#pick();
  }

  /** A series that is gone is shown alone no more. */
  #pick(): void {
    const one = this.#tracks.filter(track => track.key === this.#alone);
    if (one.length === 0) this.#alone = null;
    this.#drawn = one.length === 0 ? this.#tracks : one;
    this.#traces = tracesFor(this.#drawn, this.#traces);
    this.#legend.mark(this.#alone);
  }

  #showAlone(key: string | null): void {
    this.#alone = key;
    this.#pick();
    this.#scale = null;
    this.changed();
  }

  protected override overflows(): boolean {
    const { cut } = this;
    if (this.#chosenOf > 0 || cut === 0) return false;
    const drawn = this.shown.reduce((sum, table) => sum + (table?.series.length ?? 0), 0);
    this.words.tooMany(drawn, cut, () => void this.#drawHighest(drawn, drawn + cut));
    return true;
  }

  protected override get cut(): number {
    return this.#chosenOf > 0 ? 0 : super.cut;
  }

  async #drawHighest(drawn: number, all: number): Promise<void> {
    const { link, texts } = this.stage.parts;
    try {
      const queries = await highestOf(this.panel.queries, this.tables.map(table => table?.more ?? 0), async (expr, step) => {
        const reply = await link.call('live_channel', { expr, step });
        return isFields(reply) ? text(reply['channel']) : '';
      });
      this.#chosenOf = all;
      this.ask(queries);
      this.words.highest(texts.drawnHighest(formatNumber(drawn, 0), formatNumber(all, 0)), () => this.#drawAll());
    } catch {
      // The link broke: the choice stands, to be made again.
    }
  }

  #drawAll(): void {
    this.#chosenOf = 0;
    this.words.highest(null, () => undefined);
    this.ask(this.panel.queries);
  }

  #scaled(extent: Extent): Scale {
    const { min, max, limit, kind } = this.panel;
    const whole = kind === 'stack' && limit !== null && extent.high <= limit.at * WHOLE_PASSED;
    const under = limit !== null && kind === 'line' && extent.high <= limit.at;
    const marks = Math.max(2, Math.min(5, Math.floor(this.#area.height / 40)));
    const next = scaleFor({
      low: extent.low, high: extent.high, min: min ?? undefined, max: max ?? (whole ? limit.at : under ? limit.at * LIMIT_ROOM : undefined),
      mirror: kind === 'mirror', marks,
    });
    return calmScale(this.#scale, next);
  }

  /** The crosshair stands on steps, so that all panels read the same ones. */
  #snapped(time: number): number {
    const step = this.shown.find(table => table !== null)?.step ?? 1000;
    return Math.min(this.stage.edge, Math.round(time / step) * step);
  }

  #resized(): void {
    const { clientWidth: width, clientHeight: height } = this.#plot;
    this.#area = { ...this.#area, width, height };
    this.#scale = null;
    this.#chart.resize(width, height);
    this.#legend.resized();
    this.changed();
  }
}
