// Bars: how much of a whole is used, one for each series of the first query; the second query is the whole.
import type { Panel } from '../boot';
import { legendName } from '../data/names';
import { valueAt, type Table } from '../data/table';
import { formatAmounts, formatNumber, NBSP } from '../format/number';
import { bar, el, need, setBar, write } from '../page/dom';
import type { Stage } from '../page/stage';
import { PanelView } from './panel';

export interface BarValue {
  readonly name: string;
  readonly used: number;
  /** The whole, or NaN when the panel has no second query for this name. */
  readonly whole: number;
}

/** Gives the newest values of both queries, joined by name, in order of name. */
export function barsOf(panel: Panel, tables: readonly (Table | null)[]): BarValue[] {
  const [used, whole] = tables;
  if (!used) return [];
  const wholes = new Map<string, number>();
  whole?.series.forEach((labels, s) => {
    // A series that ended keeps its column, and must not stand for the one that has its name now.
    const now = valueAt(whole, s, whole.newestFilled);
    if (now === now) wholes.set(legendName(panel.queries[1]?.legend || panel.queries[0]?.legend || '', labels), s);
  });
  return used.series.map((labels, s) => {
    const name = legendName(panel.queries[0]?.legend ?? '', labels);
    const at = wholes.get(name);
    return {
      name, used: valueAt(used, s, used.newestFilled) * panel.scale,
      whole: whole && at !== undefined ? valueAt(whole, at, whole.newestFilled) * panel.scale : panel.max ?? Number.NaN,
    };
  }).filter(one => one.used === one.used).sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** The unit of rows that are written with the prefix of their whole: `51.9 of 271 GB`. */
const BYTES = 'bytes';

interface Line {
  readonly name: HTMLElement;
  readonly amount: HTMLElement;
  readonly share: HTMLElement;
  readonly bar: SVGElement;
}

export class BarsPanel extends PanelView {
  readonly #list: HTMLElement;
  /** Whether each row is written with the prefix of its whole. */
  readonly #bytes: boolean;
  #lines: readonly Line[] = [];

  constructor(panel: Panel, section: HTMLElement, stage: Stage) {
    super(panel, section, stage);
    this.#list = need('.disks', section);
    this.#bytes = panel.unit === BYTES;
  }

  protected override stepWanted(): number {
    return 1000;
  }

  protected override get followsTime(): boolean {
    return false;
  }

  protected override paint(): void {
    if (this.stage.view.kind === 'held') return;
    const bars = barsOf(this.panel, this.tables);
    if (bars.length === 0) return;
    if (bars.length !== this.#lines.length) this.#fit(bars.length);
    const { texts } = this.stage.parts;
    const words = (value: number): string => formatNumber(value, value >= 100 ? 0 : this.panel.decimals ?? 1);
    const amounts = ({ used, whole }: BarValue): [string, string] => (this.#bytes ? formatAmounts(used, whole) : [words(used), words(whole)]);
    bars.forEach((one, i) => {
      const line = this.#lines[i];
      if (!line) return;
      const share = one.used / one.whole;
      write(line.name, one.name);
      write(line.amount, texts.of(...amounts(one)));
      write(line.share, `${formatNumber(share * 100, 0)}${NBSP}%`);
      setBar(line.bar, share);
    });
  }

  #fit(count: number): void {
    this.#lines = Array.from({ length: count }, () => ({ name: el('code'), amount: el('span', { class: 'text-3' }), share: el('b'), bar: bar(0, 'fill') }));
    this.#list.replaceChildren(...this.#lines.map(line => el('li', {}, el('span', { class: 'what' }, line.name), line.amount, line.share, line.bar)));
  }
}
