// What a panel's button opens: what it shows, what it asks, and the panel alone on the screen.
import type { Panel } from '../boot';
import { el, need } from './dom';

export class PanelMore {
  readonly #pop: HTMLElement;
  readonly #title: HTMLElement;
  readonly #words: HTMLElement;
  readonly #queries: HTMLElement;
  readonly #full: HTMLElement;
  #panel = '';

  constructor(root: ParentNode, fill: (panel: string) => void) {
    this.#pop = need('#panel-more', root);
    this.#title = need('h2', this.#pop);
    this.#words = need('p', this.#pop);
    this.#queries = need('pre', this.#pop);
    this.#full = need('[data-full]', this.#pop);
    this.#full.addEventListener('click', () => {
      this.#pop.hidePopover();
      fill(this.#panel);
    });
  }

  open(panel: Panel, button: HTMLElement): void {
    this.#panel = panel.id;
    this.#title.textContent = panel.title;
    this.#words.textContent = panel.more;
    this.#words.hidden = panel.more === '';
    this.#queries.replaceChildren(...panel.queries.map(query => el('span', {}, query.expr)));
    this.#queries.hidden = panel.queries.length === 0;
    this.#pop.showPopover();
    this.#place(button.getBoundingClientRect());
    this.#full.focus();
  }

  /** Beside its button, and on the screen. */
  #place(at: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = this.#pop;
    const left = Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8));
    const top = at.bottom + 4 + height > window.innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4;
    this.#pop.style.setProperty('--left', `${left}px`);
    this.#pop.style.setProperty('--top', `${top}px`);
  }
}
