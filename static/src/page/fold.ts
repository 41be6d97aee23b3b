// The side panel folds to a rail; on a phone it is a sheet.
import type { Texts } from '../texts/texts';
import { keepChoice } from './choice';

const WIDE = '(min-width: 1024px)';

export class Fold {
  readonly #buttons: readonly HTMLElement[];
  readonly #texts: Texts;
  readonly #stop = new AbortController();
  /** Called when the room was folded or opened, by hand or by the screen's width. */
  changed: () => void = () => undefined;
  #unread = 0;

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

  /** Says on the button how much is unread. */
  unread(count: number): void {
    if (count === this.#unread) return;
    this.#unread = count;
    this.#name();
  }

  #say(): void {
    for (const button of this.#buttons) button.setAttribute('aria-expanded', String(this.open));
    this.#name();
    this.changed();
  }

  #name(): void {
    const { room, talk } = this.#texts;
    const words = this.open ? room.fold : this.#unread === 0 ? room.unfold : `${room.unfold}, ${talk.some(this.#unread)}`;
    for (const button of this.#buttons) if (button.classList.contains('btn-icon')) button.setAttribute('aria-label', words);
  }
}
