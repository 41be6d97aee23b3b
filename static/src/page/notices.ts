// The lines under the top bar: the page knows less than it should.
import { shown } from '../data/names';
import { NBSP } from '../format/number';
import { clock } from '../format/time';
import type { LinkState } from '../live/link';
import type { Texts } from '../texts/texts';
import { isFields, text, type Fields } from '../wire/parse';
import { el, icon, write } from './dom';
import type { SessionLog } from './sessionlog';
import { Troubles, type TroubleChange } from './troubles';

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
  /** The node that this page is from: its disk needs no name. */
  readonly node: string;
}

export class Notices {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  readonly #log: Pick<SessionLog, 'add'>;
  readonly #acts: NoticeActs;
  readonly #lines = new Map<string, HTMLElement>();
  readonly #troubles = new Troubles();
  #link: LinkState = { kind: 'joining' };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(box: HTMLElement, texts: Texts, log: Pick<SessionLog, 'add'>, acts: NoticeActs) {
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
    const notices: readonly unknown[] = Array.isArray(value) ? value : [value];
    const changes = Array.isArray(value) ? this.#troubles.stand(notices) : this.#troubles.told(value);
    for (const change of changes) this.#storage(change);
    for (const one of notices) if (isFields(one)) this.#other(one);
  }

  #other(value: Fields): void {
    const kind = text(value['kind']);
    if (kind === 'dashboard' && text(value['id']) === this.#acts.room) this.#changed();
    else if (kind === 'pushed') this.#acts.pushed();
  }

  /** Says what became of a disk; the line of one that goes on as before is left alone, and not read out again. */
  #storage({ kind, trouble }: TroubleChange): void {
    const { storage } = this.#texts;
    const { node, state } = trouble;
    const key = `storage ${node}`;
    const disk = node === '' || node === this.#acts.node ? storage.disk : storage.diskOf(shown(node));
    const words = trouble.text || storage.text[state];
    if (kind === 'reworded') {
      write(this.#lines.get(key)?.querySelector('[data-words]'), words);
    } else if (kind === 'began') {
      const since = trouble.since ?? Date.now();
      const title = storage.since[state](disk, clock(since));
      this.#write(key, 'i-wrong', title, words, null);
      this.#log.add('g-none', title, since);
    } else {
      this.#remove(key);
      this.#log.add('g-resolved', storage.over[state](disk), Date.now());
    }
  }

  #changed(): void {
    this.#write('dashboard', 'i-retry', this.#texts.dashboardChanged, '', [this.#texts.reload, () => location.reload()]);
  }

  #write(key: string, glyph: string, title: string, words: string, act: readonly [string, () => void] | null): HTMLElement {
    this.#remove(key);
    const line = el('div', { class: 'notice', role: 'status' }, icon(glyph), el('span', {}, el('b', {}, title), ' ', el('span', { 'data-words': '' }, words)));
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
