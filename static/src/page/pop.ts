// What opens beside a button and is gone when it is closed: the focus returns to where it came from.
import { placeBeside } from './beside';
import { el } from './dom';

export class Pop {
  readonly element: HTMLElement;
  readonly #opener: HTMLElement;
  /** Where the opener was: it may be gone when its answer comes. */
  readonly #at: DOMRect;
  #open = true;

  /** Opens at once. A second one of the same `kind` takes the place of the first. */
  constructor(kind: string, label: string, opener: HTMLElement, at: DOMRect, ...content: readonly Node[]) {
    for (const other of document.querySelectorAll<HTMLElement>(`[data-pop="${kind}"]`)) other.hidePopover();
    this.#opener = opener;
    this.#at = at;
    this.element = el('section', { class: 'beside', popover: 'auto', role: 'dialog', 'data-pop': kind, 'aria-label': label }, ...content);
    document.body.append(this.element);
    this.element.addEventListener('toggle', event => { if (event.newState === 'closed') this.#closed(); });
    this.element.showPopover();
    this.place();
  }

  /** Puts it in its place again, after what it holds changed. */
  place(): void {
    const now = this.#opener.getBoundingClientRect();
    placeBeside(this.element, this.#opener.isConnected && now.width > 0 ? now : this.#at);
  }

  close(): void {
    if (this.#open) this.element.hidePopover();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    const hadFocus = this.element.contains(document.activeElement) || document.activeElement === document.body;
    this.element.remove();
    if (hadFocus && this.#opener.isConnected) this.#opener.focus({ preventScroll: true });
  }
}
