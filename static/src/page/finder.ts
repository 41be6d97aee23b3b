// Find: panels of this room and other rooms, by their names.
import type { Boot, Panel, Room } from '../boot';
import type { Texts } from '../texts/texts';
import { el, need } from './dom';

/** Something to go to. */
export interface Target {
  readonly kind: 'panel' | 'room';
  readonly id: string;
  readonly title: string;
  readonly href: string;
}

const FOUND_MAX = 12;

/** Gives the targets whose name holds all words of the query; those that begin with it come first. */
export function find(query: string, panels: readonly Panel[], rooms: readonly Room[]): Target[] {
  const words = query.toLowerCase().split(/\s+/).filter(word => word !== '');
  const all: Target[] = [
    ...panels.map(panel => ({ kind: 'panel' as const, id: panel.id, title: panel.title, href: '' })),
    ...rooms.map(room => ({ kind: 'room' as const, id: room.id, title: room.title, href: room.href })),
  ];
  const starts = (target: Target): number => (words[0] !== undefined && target.title.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return all.filter(target => words.every(word => target.title.toLowerCase().includes(word)))
    .sort((a, b) => starts(a) - starts(b)).slice(0, FOUND_MAX);
}

export class Finder {
  readonly #dialog: HTMLDialogElement;
  readonly #field: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #opener: HTMLElement;
  readonly #boot: Boot;
  readonly #texts: Texts;
  readonly #panels: () => readonly Panel[];
  readonly #go: (panel: string) => void;
  #found: readonly Target[] = [];
  #chosen = 0;

  constructor(root: ParentNode, boot: Boot, texts: Texts, panels: () => readonly Panel[], go: (panel: string) => void) {
    this.#dialog = need<HTMLDialogElement>('#finder', root);
    this.#field = need('input', this.#dialog);
    this.#list = need('ul', this.#dialog);
    this.#opener = need('.search-open', root);
    this.#boot = boot;
    this.#texts = texts;
    this.#panels = panels;
    this.#go = go;
  }

  start(): void {
    this.#opener.addEventListener('click', () => this.open());
    this.#field.addEventListener('input', () => this.#search());
    this.#field.addEventListener('keydown', event => this.#key(event));
    this.#list.addEventListener('click', event => {
      const at = event.target instanceof Element ? event.target.closest('li') : null;
      if (at) this.#pick(this.#found[[...this.#list.children].indexOf(at)]);
    });
  }

  open(): void {
    this.#field.value = '';
    this.#search();
    this.#dialog.showModal();
  }

  #search(): void {
    this.#found = find(this.#field.value, this.#panels(), this.#boot.rooms);
    this.#chosen = 0;
    const { find: words } = this.#texts;
    this.#list.replaceChildren(...this.#found.map((target, i) => el('li', { role: 'option', id: `found-${i}` },
      el('span', {}, target.title), el('span', { class: 'text-3 small' }, target.kind === 'panel' ? words.panel : words.room))));
    if (this.#found.length === 0) this.#list.append(el('li', { class: 'text-3', 'aria-disabled': 'true' }, words.nothing));
    this.#mark();
  }

  #mark(): void {
    [...this.#list.children].forEach((item, i) => item.setAttribute('aria-selected', String(i === this.#chosen && this.#found.length > 0)));
    this.#field.setAttribute('aria-activedescendant', this.#found.length > 0 ? `found-${this.#chosen}` : '');
  }

  #key(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && this.#found.length > 0) {
      event.preventDefault();
      this.#chosen = (this.#chosen + step + this.#found.length) % this.#found.length;
      this.#mark();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#pick(this.#found[this.#chosen]);
    }
  }

  #pick(target: Target | undefined): void {
    if (!target) return;
    this.#dialog.close();
    if (target.kind === 'panel') this.#go(target.id);
    else location.assign(target.href);
  }
}
