// One number of the stat row, with its shape over the last quarter of an hour.
import type { Panel } from '../boot';
import { staleFor } from '../data/gaps';
import { firstAt } from '../data/table';
import { Spark } from '../draw/spark';
import { formatNumber, NBSP } from '../format/number';
import { duration, durationParts, type TimeUnits } from '../format/time';
import { strideOf } from '../live/link';
import { el, need, write } from '../page/dom';
import type { Stage } from '../page/stage';
import { PanelView } from './panel';

/** A number and the small words after it. */
export interface StatPart {
  readonly value: string;
  readonly unit: string;
}

/** The unit that is written as a length of time: `41 d 6 h`. */
export const DURATION = 'duration';

const SPARK_MS = 900_000;

/** Gives what a stat shows: its value and unit, and the second query's value with its name after it. */
export function statParts(panel: Panel, value: number, second: number | null, units: TimeUnits): StatPart[] {
  if (panel.unit === DURATION && value === value) return durationParts(value * 1000, units).map(([n, unit]) => ({ value: `${n}`, unit }));
  const beside = second === null ? '' : `${formatNumber(second, 0)}${NBSP}${panel.queries[1]?.legend ?? ''}`;
  const unit = panel.unit === DURATION ? '' : panel.unit;
  return [{ value: formatNumber(value, panel.decimals), unit: [unit, beside].filter(word => word !== '').join(' ') }];
}

export class StatPanel extends PanelView {
  readonly #says: HTMLElement;
  readonly #spark: Spark;
  readonly #sizes: ResizeObserver;
  #width = 0;
  #height = 0;

  constructor(panel: Panel, section: HTMLElement, stage: Stage) {
    super(panel, section, stage);
    this.#says = need('.stat-value', section);
    const canvas = need<HTMLCanvasElement>('canvas', section);
    this.#spark = new Spark(canvas);
    this.#sizes = new ResizeObserver(() => {
      this.#width = section.clientWidth;
      this.#height = canvas.clientHeight;
      this.changed();
    });
    this.#sizes.observe(section);
  }

  override stop(): void {
    super.stop();
    this.#sizes.disconnect();
  }

  /** A stat shows now, whatever the range: it lives in the finest step. */
  protected override stepWanted(): number {
    return 1000;
  }

  protected override get followsTime(): boolean {
    return false;
  }

  protected override paint(): void {
    if (this.stage.view.kind === 'held') return;
    const [table, second] = this.tables;
    if (!table) return;
    const k = table.newestFilled;
    const beside = second && second.newestFilled >= 0 ? firstAt(second, second.newestFilled) : null;
    this.#write(statParts(this.panel, k < 0 ? Number.NaN : firstAt(table, k) * this.panel.scale, beside, this.stage.parts.texts.units));
    const { link, texts } = this.stage.parts;
    const silent = link.state.kind === 'live' ? staleFor(k < 0 ? null : k * table.step, this.stage.edge, table.step * strideOf(link.state)) : 0;
    this.words.stale(silent > 0 ? texts.stale(duration(silent, texts.units)) : '');
    if (this.panel.unit === DURATION || this.#height === 0) return;
    const count = Math.round(SPARK_MS / table.step);
    const first = table.newest - count + 1;
    this.#spark.draw(this.#width, this.#height, count, i => (first + i < 0 ? Number.NaN : firstAt(table, first + i)), this.stage.parts.ink);
  }

  #write(parts: readonly StatPart[]): void {
    if (this.#says.childElementCount !== parts.length * 2) {
      this.#says.replaceChildren(...parts.flatMap(() => [el('span'), el('span', { class: 'unit' })]));
    }
    parts.forEach((part, i) => {
      write(this.#says.children[i * 2], part.value);
      write(this.#says.children[i * 2 + 1], part.unit);
    });
  }
}
