// The busiest processes. Rows are made once, and written in place each second.
import type { Subscription } from 'centrifuge';
import type { Panel } from '../boot';
import { shown } from '../data/names';
import { formatBytes, formatNumber, NBSP } from '../format/number';
import { bar, el, need, setBar, write } from '../page/dom';
import type { Stage } from '../page/stage';
import { parseTop, sorted, type Column, type Process, type Top } from '../wire/top';
import { PanelView } from './panel';

interface Row {
  readonly element: HTMLTableRowElement;
  readonly pid: HTMLElement;
  readonly name: HTMLElement;
  readonly args: HTMLElement;
  readonly user: HTMLElement;
  readonly cpu: Text;
  readonly cpuBar: SVGElement;
  readonly memory: Text;
  readonly memoryBar: SVGElement;
  readonly read: HTMLElement;
  readonly write: HTMLElement;
  readonly state: HTMLElement;
}

const COLUMNS: readonly Column[] = ['cpu', 'memory', 'read', 'write'];

export class TablePanel extends PanelView {
  readonly #channel: string;
  readonly #body: HTMLElement;
  readonly #unit: HTMLElement | null;
  readonly #heads: readonly HTMLElement[];
  #rows: Row[] = [];
  #top: Top | null = null;
  #by: Column = 'cpu';
  #subscription: Subscription | null = null;

  constructor(panel: Panel, section: HTMLElement, stage: Stage, channel: string) {
    super(panel, section, stage);
    this.#channel = channel;
    this.#body = need('tbody', section);
    this.#unit = section.querySelector('.panel-head .unit');
    this.#heads = [...section.querySelectorAll<HTMLElement>('th[data-by]')];
    for (const head of this.#heads) head.querySelector('button')?.addEventListener('click', () => this.#sort(head));
  }

  override start(): void {
    super.start();
    this.words.fine(true, 1, 0);
    if (this.#channel === '') return;
    const subscription = this.stage.parts.link.subscription(this.#channel, undefined);
    subscription.on('subscribed', ctx => this.#came(ctx.data));
    subscription.on('publication', ctx => this.#came(ctx.data));
    subscription.subscribe();
    this.#subscription = subscription;
  }

  override stop(): void {
    super.stop();
    this.#subscription?.unsubscribe();
  }

  override draw(): void {
    if (this.#top && this.stage.view.kind === 'live') this.paint();
  }

  protected override paint(): void {
    if (!this.#top) return;
    const rows = sorted(this.#top.rows, this.#by);
    this.#fit(rows.length);
    const most = Math.max(100, ...rows.map(row => row.cpu).filter(cpu => cpu === cpu));
    const full = Math.max(0.1, ...rows.map(row => row.memory).filter(memory => memory === memory));
    rows.forEach((process, i) => this.#write(this.#rows[i], process, most, full));
    write(this.#unit, this.stage.parts.texts.processes(rows.length, this.#top.count));
  }

  #came(data: unknown): void {
    const top = parseTop(data);
    if (!top) return;
    this.#top = top;
    this.changed();
  }

  #sort(head: HTMLElement): void {
    this.#by = COLUMNS.find(column => column === head.dataset['by']) ?? 'cpu';
    for (const other of this.#heads) {
      if (other === head) other.setAttribute('aria-sort', 'descending');
      else other.removeAttribute('aria-sort');
    }
    this.changed();
  }

  #fit(count: number): void {
    if (this.#rows.length === count) return;
    this.#rows = Array.from({ length: count }, () => rowOf());
    this.#body.replaceChildren(...this.#rows.map(row => row.element));
  }

  #write(row: Row | undefined, process: Process, most: number, full: number): void {
    if (!row) return;
    write(row.pid, `${process.pid}`);
    write(row.name, shown(process.name));
    write(row.args, shown(process.args));
    write(row.user, shown(process.user));
    write(row.cpu, formatNumber(process.cpu, 1));
    setBar(row.cpuBar, process.cpu / most);
    write(row.memory, `${formatNumber(process.memory * 100, 1)}${NBSP}%`);
    setBar(row.memoryBar, process.memory / full);
    write(row.read, formatBytes(process.read));
    write(row.write, formatBytes(process.write));
    write(row.state, this.stage.parts.texts.states.get(process.state) ?? process.state);
  }
}

function rowOf(): Row {
  const cell = (name: string): HTMLElement => el('td', { class: name });
  const pid = cell('n text-3 hide-narrow');
  const name = el('span', { class: 'strong' });
  const args = el('span', { class: 'text-3' });
  const user = cell('text-2 hide-narrow');
  const [cpu, memory] = [document.createTextNode(''), document.createTextNode('')];
  const [cpuBar, memoryBar] = [bar(0, 'fill'), bar(0, 'fill-2')];
  const [read, write, state] = [cell('n hide-narrow'), cell('n hide-narrow'), cell('text-2 hide-narrow')];
  const element = el('tr', {}, pid, el('td', { class: 'what' }, name, ' ', args), user,
    el('td', {}, el('span', { class: 'cell-bar' }, cpuBar, cpu)),
    el('td', {}, el('span', { class: 'cell-bar' }, memoryBar, memory)), read, write, state);
  return { element, pid, name, args, user, cpu, cpuBar, memory, memoryBar, read, write, state };
}
