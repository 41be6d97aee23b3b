// The lines under the top bar: the page knows less than it should.
import { NBSP } from '../format/number';
import { clock } from '../format/time';
import type { LinkState } from '../live/link';
import type { Texts } from '../texts/texts';
import { isFields, number, text, type Fields } from '../wire/parse';
import { el, icon, write } from './dom';
import type { SessionLog } from './sessionlog';

/** Wait before a lost link is said, ms: most come back at once. */
const LOST_AFTER_MS = 1_500;

/** How often the count to the next attempt is written, ms. */
const COUNT_EVERY_MS = 250;

/** What the page does about a notice. */
export interface NoticeActs {
  readonly tryNow: () => void;
  readonly pushed: () => void;
  /** This room's id: a change of another dashboard is not said here. */
  readonly room: string;
}

export class Notices {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  readonly #log: SessionLog;
  readonly #acts: NoticeActs;
  readonly #lines = new Map<string, HTMLElement>();
  #link: LinkState = { kind: 'joining' };
  /** The last trouble of the disk: its end is said in its own words. */
  #trouble: 'refusing' | 'slow' = 'refusing';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(box: HTMLElement, texts: Texts, log: SessionLog, acts: NoticeActs) {
    this.#box = box;
    this.#texts = texts;
    this.#log = log;
    this.#acts = acts;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  link(state: LinkState): void {
    const before = this.#link;
    this.#link = state;
    if (state.kind !== 'lost') {
      clearTimeout(this.#timer);
      this.#remove('link');
    } else if (before.kind !== 'lost') {
      this.#timer = setTimeout(() => this.#lost(), LOST_AFTER_MS);
    }
  }

  /** Says that the link is lost, and counts down to the next attempt. The count is not read out each second. */
  #lost(): void {
    const { lostTitle, lostText, lostIn, lostNow, tryNow, units } = this.#texts;
    if (this.#link.kind !== 'lost') return;
    if (!this.#lines.has('link')) {
      const line = this.#write('link', 'i-retry', lostTitle(clock(this.#link.since)), lostText, [tryNow, this.#acts.tryNow]);
      line.querySelector('b')?.after(' ', el('span', { 'aria-live': 'off', 'data-next': '' }));
    }
    const { next } = this.#link;
    const left = next === null ? 0 : Math.ceil((next - Date.now()) / 1000);
    write(this.#lines.get('link')?.querySelector('[data-next]'), left <= 0 ? lostNow : lostIn(`${left}${NBSP}${units.s}`));
    this.#timer = setTimeout(() => this.#lost(), COUNT_EVERY_MS);
  }

  /** Takes a publication of the channel `notices`, or all that stand, from the reply to its subscribe. */
  said(value: unknown): void {
    if (Array.isArray(value)) {
      const standing: readonly unknown[] = value;
      // A state that ended while the link was lost stands no more.
      if (!standing.some(one => isFields(one) && one['kind'] === 'storage')) this.#storage({ state: 'ok' });
      for (const one of standing) this.said(one);
      return;
    }
    if (!isFields(value)) return;
    const kind = text(value['kind']);
    if (kind === 'storage') this.#storage(value);
    else if (kind === 'dashboard' && text(value['id']) === this.#acts.room) this.#changed();
    else if (kind === 'pushed') this.#acts.pushed();
  }

  #storage(value: Fields): void {
    const state = text(value['state']);
    const since = number(value['since']) ?? Date.now();
    const { storage } = this.#texts;
    if (state === 'refusing' || state === 'slow') {
      this.#trouble = state;
      const title = storage[state](clock(since));
      this.#write('storage', 'i-wrong', title, text(value['text']) || (state === 'slow' ? storage.slowText : storage.refusingText), null);
      this.#log.add('g-none', title, since);
    } else if (this.#remove('storage')) {
      this.#log.add('g-resolved', storage.ok[this.#trouble], Date.now());
    }
  }

  #changed(): void {
    this.#write('dashboard', 'i-retry', this.#texts.dashboardChanged, '', [this.#texts.reload, () => location.reload()]);
  }

  #write(key: string, glyph: string, title: string, words: string, act: readonly [string, () => void] | null): HTMLElement {
    this.#remove(key);
    const line = el('div', { class: 'notice', role: 'status' }, icon(glyph), el('span', {}, el('b', {}, title), ` ${words}`));
    if (act) {
      const button = el('button', { class: 'btn', type: 'button' }, act[0]);
      button.addEventListener('click', act[1]);
      line.append(button);
    }
    this.#lines.set(key, line);
    this.#box.append(line);
    return line;
  }

  #remove(key: string): boolean {
    const line = this.#lines.get(key);
    line?.remove();
    return this.#lines.delete(key);
  }
}
