// The legend of a panel, which is its read-out.
import type { Kind } from '../boot';
import { NONE } from '../format/number';
import { el, write } from '../page/dom';
import type { Track } from './tracks';

/** Writes names once and values in place. */
export class Legend {
  readonly #list: HTMLElement;
  #values: HTMLElement[] = [];
  #total: HTMLElement | null = null;
  #signature = '';

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  /** Fits the entries to the tracks; a side legend reads from the top of the stack to its foot. */
  fit(tracks: readonly Track[], kind: Kind, total: string): void {
    const signature = tracks.map(track => `${track.key}|${track.name}|${track.colour}`).join('\n');
    if (signature === this.#signature || tracks.length === 0) return;
    this.#signature = signature;
    this.#values = tracks.map(() => el('dd', {}, NONE));
    const swatch = kind === 'line' ? 'sw' : 'sw sw-area';
    const entries = tracks.map((track, i) => el('div', {},
      el('dt', {}, el('i', { class: `${swatch} c${track.colour}` }), track.name), this.#values[i] ?? ''));
    if (this.#list.classList.contains('legend-side')) entries.reverse();
    this.#total = total === '' ? null : el('dd', {}, NONE);
    if (this.#total) entries.push(el('div', { class: 'sum' }, el('dt', {}, total), this.#total));
    this.#list.replaceChildren(...entries);
  }

  write(values: readonly string[], total: string): void {
    values.forEach((value, i) => write(this.#values[i], value));
    write(this.#total, total);
  }
}
