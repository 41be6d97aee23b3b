// The table: one row for each series, sorted and filtered, with the buckets of native histograms as small bars.
import { shown } from '../data/names';
import { formatNumber } from '../format/number';
import { clock, clockUtc } from '../format/time';
import { el, need, svg, write } from '../page/dom';
import { readChoice, keepChoice } from '../page/choice';
import type { Texts } from '../texts/texts';
import type { Bucket, HistogramValue, Row } from './answer';
import { columnsOf, csvOf, filtered, ROWS_MAX, seriesText, sorted, type Found, type Sorting, type SortKey } from './rows';

const BUCKETS_WIDTH = 120;
const BUCKETS_HEIGHT = 20;
const SAID_MS = 1_500;

export class ResultTable {
  readonly #texts: Texts;
  readonly #filter: HTMLInputElement;
  readonly #columns: HTMLInputElement;
  readonly #csv: HTMLButtonElement;
  readonly #box: HTMLElement;
  readonly #foot = el('p', { class: 'rules-foot text-2', role: 'status' });
  #rows: readonly Found[] = [];
  #time = 0;
  #sorting: Sorting = { by: 'series', down: false };
  #many = false;
  #asked = false;

  constructor(root: HTMLElement, texts: Texts) {
    this.#texts = texts;
    this.#filter = need('[data-filter]', root);
    this.#columns = need('[data-columns]', root);
    this.#csv = need('[data-csv]', root);
    this.#box = need('[data-rows]', root);
    this.#box.after(this.#foot);
    this.#columns.checked = readChoice('explore-columns') === 'on';
    this.#filter.addEventListener('input', () => this.#draw());
    this.#columns.addEventListener('change', () => {
      keepChoice('explore-columns', this.#columns.checked ? 'on' : 'off');
      this.#draw();
    });
    this.#csv.addEventListener('click', () => void this.#copy());
    this.#draw();
  }

  /** Shows rows of a moment; `many` when they are of more than one query. */
  write(rows: readonly Found[], time: number, many: boolean): void {
    this.#rows = rows;
    this.#time = time;
    this.#many = many;
    this.#asked = true;
    this.#draw();
  }

  /** There is nothing to ask. */
  clear(): void {
    this.#rows = [];
    this.#asked = false;
    this.#draw();
  }

  /** The rows that the filter leaves, in their order. */
  get #left(): readonly Found[] {
    return sorted(filtered(this.#rows, this.#filter.value), this.#sorting);
  }

  #draw(): void {
    const { table: words, nothing } = this.#texts.explore;
    const left = this.#left;
    this.#csv.disabled = left.length === 0;
    const focused = document.activeElement?.closest<HTMLElement>('th')?.dataset['sort'];
    if (left.length === 0) this.#box.replaceChildren(el('p', { class: 'rules-none text-2' }, !this.#asked ? nothing : this.#rows.length === 0 ? words.none : words.nothing));
    else this.#box.replaceChildren(this.#table(left));
    if (focused !== undefined) [...this.#box.querySelectorAll<HTMLElement>('th')].find(th => th.dataset['sort'] === focused)?.querySelector('button')?.focus();
    this.#foot.hidden = left.length === 0;
    if (left.length > 0) write(this.#foot, this.#footWords(left.length));
    this.#foot.title = clockUtc(this.#time);
  }

  #footWords(left: number): string {
    const { table: words } = this.#texts.explore;
    const count = (n: number): string => formatNumber(n, 0);
    const all = left < this.#rows.length ? words.some(count(left), count(this.#rows.length)) : words.rows(left, count(left));
    const more = left > ROWS_MAX ? ` ${words.more(count(left - ROWS_MAX))}` : '';
    const many = this.#columns.checked && columnsOf(this.#rows) === null ? ` ${words.tooManyLabels}` : '';
    return `${all} ${words.asked(clock(this.#time))}${left > ROWS_MAX ? `; ${count(ROWS_MAX)}` : ''}${more === '' ? '.' : more}${many}`;
  }

  #table(left: readonly Found[]): HTMLTableElement {
    const { table: words } = this.#texts.explore;
    const names = this.#columns.checked ? columnsOf(this.#rows) : null;
    const heads: [SortKey, string, string][] = [
      ...(this.#many ? [['query', words.query, 'letter'] satisfies [SortKey, string, string]] : []),
      ...(names ? names.map((name): [SortKey, string, string] => [`=${name}`, shown(name), 'mono']) : [['series', words.series, 'series'] satisfies [SortKey, string, string]]),
      ['value', words.value, 'n value'],
    ];
    const head = el('tr', {}, ...heads.map(([by, title, kind]) => this.#head(by, title, kind)));
    const body = left.slice(0, ROWS_MAX).map(found => el('tr', {},
      ...(this.#many ? [el('td', { class: 'letter' }, found.query)] : []),
      ...(names ? names.map(name => el('td', { class: 'mono', dir: 'auto' }, shown(found.row.labels.get(name) ?? ''))) : [el('td', { class: 'series mono' }, this.#series(found.row))]),
      el('td', { class: 'n value' }, ...this.#value(found.row))));
    return el('table', { class: 'results', 'aria-label': words.series }, el('thead', {}, head), el('tbody', {}, ...body));
  }

  #head(by: SortKey, title: string, kind: string): HTMLElement {
    const button = el('button', { type: 'button' }, title);
    button.addEventListener('click', () => {
      this.#sorting = { by, down: this.#sorting.by === by ? !this.#sorting.down : by === 'value' };
      this.#draw();
    });
    const isBy = this.#sorting.by === by;
    return el('th', { scope: 'col', class: kind, 'data-sort': by, ...(isBy ? { 'aria-sort': this.#sorting.down ? 'descending' : 'ascending' } : {}) }, button);
  }

  #series(row: Row): string {
    return shown(row.labels.size === 0 ? '{}' : seriesText(row.labels));
  }

  #value(row: Row): (Node | string)[] {
    const { table: words } = this.#texts.explore;
    if (row.histogram) return [this.#histogram(row.histogram)];
    const number = el('span', { class: 'mono', title: row.written }, row.value !== row.value && row.written !== 'NaN' ? shown(row.written) : row.written);
    return row.samples > 1 ? [number, el('span', { class: 'sub' }, words.samples(formatNumber(row.samples, 0)))] : [number];
  }

  /** Count, sum, and the buckets as bars: their widths are the same, their heights are their counts. */
  #histogram({ count, sum, buckets }: HistogramValue): HTMLElement {
    const { table: words } = this.#texts.explore;
    const most = Math.max(...buckets.map(bucket => bucket.count), 0);
    const width = BUCKETS_WIDTH / Math.max(buckets.length, 1);
    const bars = buckets.map((bucket, i) => {
      const height = most > 0 ? Math.max(1, (bucket.count / most) * BUCKETS_HEIGHT) : 0;
      return svg('rect', { x: (i * width).toFixed(2), y: (BUCKETS_HEIGHT - height).toFixed(2), width: Math.max(0.5, width - 1).toFixed(2), height: height.toFixed(2), class: 'fill' }, this.#titled(bucket));
    });
    const picture = svg('svg', { class: 'buckets', viewBox: `0 0 ${BUCKETS_WIDTH} ${BUCKETS_HEIGHT}`, role: 'img', 'aria-label': words.buckets(buckets.length, formatNumber(buckets.length, 0)) }, ...bars);
    return el('span', { class: 'histogram' }, picture, el('span', { class: 'mono' }, words.histogram(`${count}`, `${sum}`)));
  }

  #titled(bucket: Bucket): SVGElement {
    const title = svg('title', {});
    title.textContent = this.#texts.explore.table.bucket(`${bucket.low}`, `${bucket.high}`, `${bucket.count}`);
    return title;
  }

  async #copy(): Promise<void> {
    const word = this.#csv.querySelector('span');
    const before = word?.textContent ?? '';
    if (before === this.#texts.copied) return;
    await navigator.clipboard.writeText(csvOf(this.#left));
    write(word, this.#texts.copied);
    setTimeout(() => write(word, before), SAID_MS);
  }
}
