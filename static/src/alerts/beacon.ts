// The tab says that something fires: its title and its icon.
import type { Counts } from './rank';

/** Signs of the shapes that the page uses: an octagon for critical, a triangle for warning. */
const SIGNS = { critical: '🛑', warning: '▲' } as const;

/** Gives a title with what asks for someone before it. */
export function titleWith(title: string, loud: Counts): string {
  const count = loud.critical + loud.warning;
  return count === 0 ? title : `${loud.critical > 0 ? SIGNS.critical : SIGNS.warning} ${count} · ${title}`;
}

/** Gives the icon's file. */
export function iconOf(loud: Counts): string {
  return `/assets/icon${loud.critical > 0 ? '-critical' : loud.warning > 0 ? '-warning' : ''}.svg`;
}

export class Beacon {
  readonly #document: Document;
  readonly #title: string;
  readonly #icon: HTMLLinkElement | null;

  constructor(document: Document) {
    this.#document = document;
    this.#title = document.title;
    this.#icon = document.querySelector('link[rel="icon"]');
  }

  show(loud: Counts): void {
    const title = titleWith(this.#title, loud);
    if (this.#document.title !== title) this.#document.title = title;
    const icon = iconOf(loud);
    if (this.#icon && this.#icon.getAttribute('href') !== icon) this.#icon.setAttribute('href', icon);
  }
}
