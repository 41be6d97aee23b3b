// Faces: initials on a person's own tint, the same on every page.
import { shown } from '../data/names';
import { el, icon } from '../page/dom';
import type { Person } from '../wire/alert';
import { initialsOf, tintOf } from './presence';

function tintClass(id: string): string {
  const tint = tintOf(id);
  return tint === 1 ? '' : ` face-${tint}`;
}

/** A face beside a name that is written: not read out. */
export function faceMark(person: Person, size: '' | ' face-small' = ''): HTMLElement {
  return el('span', { class: `face${tintClass(person.id)}${size}`, 'aria-hidden': 'true' }, initialsOf(shown(person.name)));
}

/** A face that stands alone, with its name for those who hear or point at it. */
export function faceAlone(id: string, name: string, said: string, size: '' | ' face-small' = ''): HTMLElement {
  return el('span', { class: `face${tintClass(id)}${size}`, title: said }, el('span', { 'aria-hidden': 'true' }, initialsOf(name)), el('span', { class: 'sr' }, said));
}

/** Someone without a name. */
export function faceUnnamed(said: string, size: '' | ' face-small' = ''): HTMLElement {
  return el('span', { class: `face is-away${size}`, title: said }, icon('g-people'), el('span', { class: 'sr' }, said));
}
