// The legend of a panel, which is its read-out.
import type { Panel } from '../boot';
import { NONE } from '../format/number';
import { el, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Track } from './tracks';

/** Writes names once and values in place. What does not fit is told, and opened by a button. */
export class Legend {
  readonly #list: HTMLElement;
  readonly #texts: Texts;
  readonly #more: HTMLButtonElement;
  readonly #choose: ((key: string) => void) | null;
  #values: HTMLElement[] = [];
  #total: HTMLElement | null = null;
  #rest: HTMLElement | null = null;
  #signature = '';
  #keys: readonly string[] = [];

  /** With `choose`, names are buttons. */
  constructor(list: HTMLElement, texts: Texts, choose: ((key: string) => void) | null = null) {
    this.#list = list;
    this.#choose = choose;
    this.#texts = texts;
    this.#more = el('button', { class: 'legend-more', type: 'button', hidden: '', 'aria-expanded': 'false' });
    this.#more.addEventListener('click', () => this.#open(!this.#isOpen));
    list.after(this.#more);
  }

  /** Fits the entries to the tracks; a side legend reads from the top of the stack to its foot. */
  fit(tracks: readonly Track[], { kind, total, rest }: Pick<Panel, 'kind' | 'total' | 'rest'>): void {
    const signature = tracks.map(track => `${track.key}|${track.name}|${track.colour}`).join('\n');
    if (signature === this.#signature || tracks.length === 0) return;
    this.#signature = signature;
    this.#values = tracks.map(() => el('dd', {}, NONE));
    const swatch = kind === 'line' ? 'sw' : 'sw sw-area';
    this.#keys = tracks.map(track => track.key);
    const entries = tracks.map((track, i) => el('div', {},
      el('dt', {}, ...this.#named(track, el('i', { class: `${swatch} c${track.colour}` }), el('span', { dir: 'auto' }, track.name))), this.#values[i] ?? ''));
    if (this.#list.classList.contains('legend-side')) entries.reverse();
    this.#rest = rest === '' ? null : el('dd', {}, NONE);
    if (this.#rest) entries.push(el('div', { class: 'rest' }, el('dt', {}, rest), this.#rest));
    this.#total = total === '' ? null : el('dd', {}, NONE);
    if (this.#total) entries.push(el('div', { class: 'sum' }, el('dt', {}, total), this.#total));
    this.#list.replaceChildren(...entries);
    this.resized();
  }

  /** Marks the series that is shown alone; null for all. */
  mark(alone: string | null): void {
    this.#list.querySelectorAll('dt button').forEach((button, i) => {
      button.setAttribute('aria-pressed', String(this.#keys[i] === alone));
      button.closest('dt')?.parentElement?.classList.toggle('is-out', alone !== null && this.#keys[i] !== alone);
    });
  }

  #named(track: Track, ...content: readonly Node[]): readonly Node[] {
    const choose = this.#choose;
    if (!choose) return content;
    const button = el('button', { type: 'button', 'aria-pressed': 'false' }, ...content);
    button.addEventListener('click', () => choose(track.key));
    return [button];
  }

  write(values: readonly string[], total: string, rest: string): void {
    values.forEach((value, i) => write(this.#values[i], value));
    write(this.#total, total);
    write(this.#rest, rest);
  }

  /** Counts anew what has no room. */
  resized(): void {
    if (this.#isOpen) return;
    const { bottom, height } = this.#list.getBoundingClientRect();
    const hidden = [...this.#list.children].filter(entry => entry.getBoundingClientRect().bottom > bottom + 2).length;
    this.#more.hidden = hidden === 0 || height === 0;
    write(this.#more, this.#texts.legendMore(hidden));
  }

  get #isOpen(): boolean {
    return this.#list.classList.contains('is-open');
  }

  #open(open: boolean): void {
    this.#list.classList.toggle('is-open', open);
    this.#list.tabIndex = open ? 0 : -1;
    this.#more.setAttribute('aria-expanded', String(open));
    if (open) write(this.#more, this.#texts.legendLess);
    else {
      this.#list.scrollTop = 0;
      this.resized();
    }
  }
}
