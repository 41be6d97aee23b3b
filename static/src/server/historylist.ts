// The newest publications of a channel. One that is open stays open, and stays where it is read, when newer ones come.
import { lined, oneLine, shown } from '../data/names';
import { clock, clockUtc } from '../format/time';
import { el, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Published } from '../wire/server';
import { bytes, count } from './words';

/** Most characters of a publication that are shown. */
export const SHOWN_MAX = 20_000;
const PREVIEW_MAX = 160;
/** Letters of base64 that three bytes take. */
const BASE64_LETTERS = 4;

/** Writes data to be read: JSON by its levels, base64 as it is; long ones are cut, and say so. */
export function pretty(one: Published, texts: Texts): string {
  const whole = one.binary ? String(one.data) : JSON.stringify(one.data, null, 2) ?? '';
  if (whole.length <= SHOWN_MAX) return lined(whole);
  return `${lined(whole.slice(0, SHOWN_MAX))}\n${texts.server.channel.cut(count(whole.length - SHOWN_MAX))}`;
}

/** Writes the beginning of data in one line. */
export function preview(one: Published): string {
  const whole = one.binary ? String(one.data) : JSON.stringify(one.data) ?? '';
  const line = oneLine(whole.slice(0, PREVIEW_MAX));
  return whole.length > PREVIEW_MAX ? `${line}…` : line;
}

function sizeOf(base64: string): number {
  return Math.max(0, Math.floor((base64.length / BASE64_LETTERS) * 3) - (base64.match(/=*$/)?.[0].length ?? 0));
}

export class HistoryList {
  readonly #list: HTMLElement;
  readonly #texts: Texts;
  #items = new Map<string, HTMLElement>();
  #channel = '';

  constructor(list: HTMLElement, texts: Texts) {
    this.#list = list;
    this.#texts = texts;
  }

  /** Shows these, newest first. Offsets of another epoch are other publications. */
  write(channel: string, epoch: string, newest: readonly Published[]): void {
    const key = `${epoch} ${channel}`;
    if (key !== this.#channel) {
      this.#channel = key;
      this.#items.clear();
      this.#list.replaceChildren();
    }
    const before = this.#items;
    this.#items = new Map(newest.map(one => [String(one.offset), before.get(String(one.offset)) ?? this.#item(one)]));
    for (const [offset, item] of before) if (!this.#items.has(offset)) item.remove();
    let i = 0;
    for (const item of this.#items.values()) {
      if (this.#list.children[i] !== item) this.#list.insertBefore(item, this.#list.children[i] ?? null);
      i++;
    }
    // The first that was read is open, and only then: what comes later would push away what is read.
    if (before.size === 0) this.#list.querySelector('details')?.setAttribute('open', '');
  }

  #item(one: Published): HTMLElement {
    const { channel: words } = this.#texts.server;
    const time = one.time === null ? [] : [el('time', { datetime: new Date(one.time).toISOString(), title: clockUtc(one.time) }, clock(one.time))];
    const body = el('pre', { tabindex: '0', 'aria-label': words.offset(count(one.offset)) });
    const about = el('p', { class: 'text-2 small' });
    const fold = el('details', {}, el('summary', {}, el('b', {}, count(one.offset)), ...time, el('span', { class: 'preview mono' }, preview(one))), about, body);
    about.textContent = [one.user === '' ? '' : words.by(shown(one.user)), one.binary ? words.binary(bytes(sizeOf(String(one.data)))) : ''].filter(part => part !== '').join(', ');
    about.hidden = about.textContent === '';
    // Most are never opened: they are written when they are.
    fold.addEventListener('toggle', () => { if (fold.open) write(body, pretty(one, this.#texts)); });
    return el('li', {}, fold);
  }
}
