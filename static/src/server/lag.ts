// The line that says that the page is not of now, and counts down to the next try.
import { NBSP } from '../format/number';
import { clock } from '../format/time';
import { refusalText } from '../live/refusal';
import { el, icon, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Trouble } from './poll';

const COUNT_EVERY_MS = 250;

export class LagLine {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  readonly #tryNow: () => void;
  readonly #title = el('b');
  readonly #why = el('span');
  /** The count is not read out each second. */
  readonly #next = el('span', { 'aria-live': 'off', class: 'nowrap' });
  #trouble: Trouble | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(box: HTMLElement, texts: Texts, tryNow: () => void) {
    this.#box = box;
    this.#texts = texts;
    this.#tryNow = tryNow;
  }

  /** Says what is wrong, or that nothing is. */
  say(trouble: Trouble | null): void {
    const stood = this.#trouble !== null;
    this.#trouble = trouble;
    if (trouble === null) {
      this.stop();
      this.#box.replaceChildren();
      return;
    }
    const { poll } = this.#texts.server;
    write(this.#title, trouble.since === null ? poll.first : poll.since(clock(trouble.since)));
    write(this.#why, `${refusalText(trouble.error, poll.failed).replace(/\.$/, '')}.`);
    this.#count();
    if (stood) return;
    const button = el('button', { class: 'btn', type: 'button' }, poll.tryNow);
    button.addEventListener('click', () => this.#tryNow());
    this.#box.replaceChildren(el('div', { class: 'notice' }, icon('i-wrong'), el('span', {}, this.#title, ' ', this.#why, ' ', this.#next), button));
    this.#timer = setInterval(() => this.#count(), COUNT_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #count(): void {
    if (!this.#trouble) return;
    const left = Math.max(1, Math.ceil((this.#trouble.next - Date.now()) / 1000));
    write(this.#next, this.#texts.server.poll.again(`${left}${NBSP}${this.#texts.units.s}`));
  }
}
