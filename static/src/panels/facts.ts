// A legend of plain facts, such as least, median, most.
import { NONE } from '../format/number';
import { el, write } from '../page/dom';

export class Facts {
  readonly #values: HTMLElement[];

  constructor(list: HTMLElement, names: readonly string[]) {
    this.#values = names.map(() => el('dd', {}, NONE));
    list.replaceChildren(...names.map((name, i) => el('div', {}, el('dt', {}, name), this.#values[i] ?? '')));
  }

  write(values: readonly string[]): void {
    values.forEach((value, i) => write(this.#values[i], value));
  }
}
