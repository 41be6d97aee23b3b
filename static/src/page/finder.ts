// Find: panels of this room, other rooms, and rules on the page of alerts, by their names.
import type { Boot, Room } from '../boot';
import { shown } from '../data/names';
import type { Texts } from '../texts/texts';
import { el, need } from './dom';

/** Something to go to. */
export interface Target {
  readonly kind: 'panel' | 'room' | 'rule';
  readonly id: string;
  readonly title: string;
  readonly href: string;
}

const FOUND_MAX = 12;

/** Something of this page that has a name. */
export interface Named {
  readonly id: string;
  readonly title: string;
}

/** What of this page can be found, and how one goes there. */
export interface Places {
  readonly kind: 'panel' | 'rule';
  readonly all: () => readonly Named[];
  readonly go: (id: string) => void;
}

/** Gives the targets whose name holds all words of the query; those that begin with it come first. */
export function find(query: string, here: readonly Named[], rooms: readonly Room[], kind: Places['kind'] = 'panel'): Target[] {
  const words = query.toLowerCase().split(/\s+/).filter(word => word !== '');
  const all: Target[] = [
    ...here.map(one => ({ kind, id: one.id, title: shown(one.title), href: '' })),
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
  readonly #places: Places;
  #found: readonly Target[] = [];
  #chosen = 0;

  constructor(root: ParentNode, boot: Boot, texts: Texts, places: Places) {
    this.#dialog = need<HTMLDialogElement>('#finder', root);
    this.#field = need('input', this.#dialog);
    this.#list = need('ul', this.#dialog);
    this.#opener = need('.search-open', root);
    this.#boot = boot;
    this.#texts = texts;
    this.#places = places;
  }

  start(): void {
    if (this.#places.kind === 'rule') {
      this.#field.placeholder = this.#texts.find.ruleHint;
      this.#field.setAttribute('aria-label', this.#texts.find.ruleHint);
    }
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
    this.#found = find(this.#field.value, this.#places.all(), this.#boot.rooms, this.#places.kind);
    this.#chosen = 0;
    const { find: words } = this.#texts;
    this.#list.replaceChildren(...this.#found.map((target, i) => el('li', { role: 'option', id: `found-${i}` },
      el('span', {}, target.title), el('span', { class: 'text-3 small' }, words[target.kind]))));
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
    if (target.kind === 'room') location.assign(target.href);
    else this.#places.go(target.id);
  }
}
