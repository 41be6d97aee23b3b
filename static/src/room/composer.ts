// Where one writes: a field that grows, the moment that a message is about, and what is left of the room for it.
import { formatNumber } from '../format/number';
import { clock } from '../format/time';
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Pin } from './event';
import type { Keep } from './outbox';
import { draftOf, draftText, roomLeft } from './draft';

export interface ComposerActs {
  /** Takes a message; false when its author would not say who they are, then it stays. */
  readonly send: (text: string, pin: Pin | null, opener: HTMLElement) => Promise<boolean>;
  readonly typed: () => void;
  readonly panelTitle: (id: string) => string | null;
}

export class Composer {
  readonly #form: HTMLFormElement;
  readonly #field: HTMLTextAreaElement;
  readonly #pinned: HTMLButtonElement;
  readonly #left: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #texts: Texts;
  readonly #keep: Keep;
  readonly #acts: ComposerActs;
  readonly #stop = new AbortController();
  #pin: Pin | null = null;
  #sending = false;
  /** What had the focus before a key brought it here. */
  #before: HTMLElement | null = null;

  constructor(root: ParentNode, title: string, texts: Texts, keep: Keep, acts: ComposerActs) {
    this.#form = need<HTMLFormElement>('.composer', root);
    this.#field = need<HTMLTextAreaElement>('textarea', this.#form);
    this.#pinned = need<HTMLButtonElement>('.at-chart', this.#form);
    this.#left = need('.composer-left', this.#form);
    this.#button = need<HTMLButtonElement>('[type="submit"]', this.#form);
    this.#texts = texts;
    this.#keep = keep;
    this.#acts = acts;
    this.#field.placeholder = texts.talk.write(title);
  }

  start(): void {
    const { signal } = this.#stop;
    this.#form.addEventListener('submit', event => {
      event.preventDefault();
      void this.#send();
    }, { signal });
    this.#field.addEventListener('input', () => {
      this.#changed();
      if (this.#field.value.trim() !== '') this.#acts.typed();
    }, { signal });
    this.#field.addEventListener('keydown', event => this.#key(event), { signal });
    this.#pinned.addEventListener('click', () => {
      this.#setPin(null);
      this.#field.focus();
    }, { signal });
    const { text, pin } = draftOf(this.#keep.read());
    this.#field.value = text;
    this.#setPin(pin);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Goes to the field; Escape goes back. */
  write(pin: Pin | null = null): void {
    const { activeElement } = document;
    if (activeElement !== this.#field) this.#before = activeElement instanceof HTMLElement ? activeElement : null;
    if (pin) this.#setPin(pin);
    this.#field.focus();
  }

  /** Puts a text back, before what is being written. */
  fill(text: string, pin: Pin | null): void {
    this.#field.value = this.#field.value.trim() === '' ? text : `${text}\n${this.#field.value}`;
    this.#setPin(pin ?? this.#pin);
    this.write();
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      void this.#send();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this.#leave();
    }
  }

  #leave(): void {
    this.#field.blur();
    if (this.#before?.isConnected) this.#before.focus({ preventScroll: true });
    this.#before = null;
  }

  async #send(): Promise<void> {
    const text = this.#field.value.trim();
    if (this.#sending || text === '' || roomLeft(text) < 0) return;
    this.#sending = true;
    const pin = this.#pin;
    const written = this.#field.value;
    const taken = await this.#acts.send(text, pin, this.#field);
    this.#sending = false;
    if (!taken || this.#field.value !== written) return;
    this.#field.value = '';
    this.#setPin(null);
  }

  #setPin(pin: Pin | null): void {
    this.#pin = pin;
    this.#pinned.hidden = pin === null;
    if (pin) {
      const title = this.#acts.panelTitle(pin.panel) ?? '';
      this.#pinned.setAttribute('aria-label', this.#texts.talk.dropPin(title, clock(pin.time)));
      write(this.#pinned.querySelector('span'), title === '' ? clock(pin.time) : this.#texts.talk.pin(title, clock(pin.time)));
    }
    this.#changed();
  }

  /** Keeps the draft, says what room is left near the end, and grows where the browser does not by itself. */
  #changed(): void {
    const { talk } = this.#texts;
    const { value } = this.#field;
    const left = roomLeft(value.trim());
    this.#keep.write(draftText(value, this.#pin));
    this.#button.disabled = value.trim() === '' || left < 0;
    this.#button.classList.toggle('btn-primary', !this.#button.disabled);
    this.#left.hidden = left > 200;
    this.#left.classList.toggle('strong', left < 0);
    write(this.#left, left > 200 ? '' : left < 0 ? talk.over(formatNumber(-left, 0)) : talk.left(left));
    if (CSS.supports('field-sizing', 'content')) return;
    this.#field.style.setProperty('block-size', 'auto');
    this.#field.style.setProperty('block-size', `${this.#field.scrollHeight}px`);
  }
}
