// The side panel folds to a rail; on a phone it is a sheet.
import type { Texts } from '../texts/texts';
import { keepChoice } from './choice';

const WIDE = '(min-width: 1024px)';

export class Fold {
  readonly #buttons: readonly HTMLElement[];
  readonly #texts: Texts;
  readonly #stop = new AbortController();

  constructor(root: Document, texts: Texts) {
    this.#buttons = [...root.querySelectorAll<HTMLElement>('[data-room-toggle]')];
    this.#texts = texts;
  }

  start(): void {
    for (const button of this.#buttons) button.addEventListener('click', () => this.toggle(), { signal: this.#stop.signal });
    matchMedia(WIDE).addEventListener('change', () => this.#say(), { signal: this.#stop.signal });
    this.#say();
  }

  stop(): void {
    this.#stop.abort();
  }

  get open(): boolean {
    const chosen = document.documentElement.dataset['room'];
    return chosen === undefined ? matchMedia(WIDE).matches : chosen === 'open';
  }

  toggle(): void {
    const next = this.open ? 'folded' : 'open';
    document.documentElement.dataset['room'] = next;
    keepChoice('room', next);
    this.#say();
  }

  #say(): void {
    for (const button of this.#buttons) {
      button.setAttribute('aria-expanded', String(this.open));
      if (button.classList.contains('btn-icon')) button.setAttribute('aria-label', this.open ? this.#texts.room.fold : this.#texts.room.unfold);
    }
  }
}
