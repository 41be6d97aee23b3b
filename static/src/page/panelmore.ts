// What a panel's button opens: what it shows, what it asks, and the panel alone on the screen.
import type { Panel } from '../boot';
import { lined } from '../data/names';
import { el, need } from './dom';

/** Gives an expression with places to break the line: after what parts its words, never inside one. */
export function pieces(expr: string): string[] {
  return expr.split(/(?<=[,(){}[\]])(?![,(){}[\]\s])/).filter(piece => piece !== '');
}

function broken(expr: string): (Node | string)[] {
  return pieces(expr).flatMap((piece, i) => (i === 0 ? [piece] : [el('wbr'), piece]));
}

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
    this.#queries.replaceChildren(...panel.queries.map(query => el('span', {}, ...broken(lined(query.expr.trim())))));
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
