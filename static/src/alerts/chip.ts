// The mark of an alert on the page: a chip, written anew only when it says something else.
import { el, icon } from '../page/dom';
import type { Mark } from './words';

/** Dresses an element as this mark; tells whether anything changed. */
export function dress(chip: HTMLElement, mark: Mark, more: string): boolean {
  const key = `${mark.glyph} ${mark.tone} ${mark.solid} ${more}`;
  const words = `${mark.words}${more}`;
  if (chip.dataset['mark'] === key && chip.lastChild?.textContent === words) return false;
  if (chip.dataset['mark'] === key && chip.lastChild) {
    chip.lastChild.textContent = words;
    return true;
  }
  chip.dataset['mark'] = key;
  chip.className = `chip${mark.solid ? ' chip-solid' : ''} ${mark.tone}`;
  chip.replaceChildren(icon(mark.glyph), el('span', {}, words));
  return true;
}

export function chipOf(mark: Mark): HTMLElement {
  const chip = el('span', { class: 'chip' });
  dress(chip, mark, '');
  return chip;
}
