// The pins on the time axis of one plot: initials in the colour of who wrote, at the moment that they wrote about.
import { shown } from '../data/names';
import { plotRight, PLOT, xOf, type Area } from '../draw/geometry';
import { clock } from '../format/time';
import { el } from '../page/dom';
import { initialsOf, tintOf } from '../room/presence';
import type { PinBoard, PlacedPin } from '../room/pins';
import type { Texts } from '../texts/texts';

interface Drawn {
  readonly button: HTMLButtonElement;
  at: number;
}

export class PlotPins {
  readonly #plot: HTMLElement;
  readonly #panel: string;
  readonly #board: PinBoard;
  readonly #texts: Texts;
  readonly #drawn = new Map<string, Drawn>();

  constructor(plot: HTMLElement, panel: string, board: PinBoard, texts: Texts) {
    this.#plot = plot;
    this.#panel = panel;
    this.#board = board;
    this.#texts = texts;
  }

  stop(): void {
    for (const { button } of this.#drawn.values()) button.remove();
    this.#drawn.clear();
  }

  /** Puts the pins where their moments are; those outside of the plot are taken away. */
  place(area: Area): void {
    const pins = this.#board.of(this.#panel);
    if (pins.length === 0 && this.#drawn.size === 0) return;
    const inside = pins.filter(pin => pin.time >= area.from && pin.time <= area.to);
    const keys = new Set(inside.map(pin => pin.key));
    for (const [key, { button }] of this.#drawn) {
      if (keys.has(key)) continue;
      button.remove();
      this.#drawn.delete(key);
    }
    for (const pin of inside) {
      const drawn = this.#drawn.get(pin.key) ?? this.#make(pin);
      const at = Math.round(Math.min(Math.max(xOf(area, pin.time), PLOT.left), plotRight(area)));
      if (drawn.at === at) continue;
      drawn.at = at;
      drawn.button.style.setProperty('--at', `${at}px`);
    }
  }

  #make(pin: PlacedPin): Drawn {
    const name = shown(pin.by.name);
    const button = el('button', { class: `pin pin-${tintOf(pin.by.id)}`, type: 'button', 'data-pin': pin.key }, el('i'),
      el('span', { 'aria-hidden': 'true' }, initialsOf(name)), el('span', { class: 'sr' }, this.#texts.talk.pinBy(name, clock(pin.time))));
    button.addEventListener('pointerenter', () => this.#board.point(pin));
    button.addEventListener('pointerleave', () => this.#board.point(null));
    button.addEventListener('focus', () => this.#board.point(pin));
    button.addEventListener('blur', () => this.#board.point(null));
    button.addEventListener('click', () => this.#board.choose(pin));
    this.#plot.append(button);
    const drawn = { button, at: -1 };
    this.#drawn.set(pin.key, drawn);
    return drawn;
  }
}
