// A list of facts, made once and written in place: who reads or copies one is not disturbed each second.
import { el, write } from '../page/dom';

export class Facts {
  readonly element = el('dl', { class: 'card-facts' });
  readonly #lines = new Map<string, readonly [name: HTMLElement, value: HTMLElement]>();

  /** Makes a fact; its value is text, or what `holder` shows. */
  add(key: string, name: string, holder: HTMLElement = el('dd')): HTMLElement {
    const value = holder.tagName === 'DD' ? holder : el('dd', {}, holder);
    const term = el('dt', {}, name);
    this.#lines.set(key, [term, value]);
    this.element.append(term, value);
    return holder;
  }

  /** Writes a fact; an empty one is not seen. */
  write(key: string, words: string): void {
    const line = this.#lines.get(key);
    if (!line) return;
    write(line[1], words);
    this.show(key, words !== '');
  }

  show(key: string, isShown: boolean): void {
    for (const one of this.#lines.get(key) ?? []) one.hidden = !isShown;
  }
}
