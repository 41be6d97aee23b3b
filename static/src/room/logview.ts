// The time line on the page: rows become elements, those that stay are kept. Whoever reads back is left where they read.
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import { anchorOf, restore } from './anchor';
import { InSight } from './insight';

/** One row to show. Another signature under the same key is another element. */
export interface Shown {
  readonly key: string;
  readonly signature: string;
  /** Whether it stays where it is when others join: then what is read can be held by it. */
  readonly isPlaced: boolean;
  readonly make: () => { readonly element: HTMLElement; tick?(): void };
}

export interface LogActs {
  /** The top is near: more of the past is wanted. */
  readonly older: () => void;
  /** The end of what is here is near, and it is not the newest. */
  readonly newer: () => void;
  /** Brings the newest. */
  readonly newest: () => void;
  readonly scrolled: () => void;
}

interface Kept {
  readonly signature: string;
  readonly element: HTMLElement;
}

/** So near to the end counts as the end, and so near to the top asks for more, px. */
const [END_PX, TOP_PX] = [24, 160];

export class LogView {
  readonly #box: HTMLElement;
  readonly #list: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #texts: Texts;
  readonly #acts: LogActs;
  readonly #stop = new AbortController();
  readonly #sizes = new ResizeObserver(() => this.#resized());
  readonly #kept = new Map<string, Kept>();
  readonly #inSight: InSight;
  /** Whether the end is followed. */
  #following = true;
  /** Whether the last row is the newest there is. */
  #whole = true;

  constructor(root: ParentNode, texts: Texts, acts: LogActs) {
    this.#box = need('.log', root);
    this.#list = need('.log-list', root);
    this.#button = need<HTMLButtonElement>('.log-new', root);
    this.#texts = texts;
    this.#acts = acts;
    this.#inSight = new InSight(this.#box);
  }

  start(): void {
    const { signal } = this.#stop;
    this.#box.addEventListener('scroll', () => this.#scrolled(), { signal, passive: true });
    this.#button.addEventListener('click', () => {
      this.toEnd();
      this.#box.focus({ preventScroll: true });
      this.#acts.newest();
    }, { signal });
    this.#sizes.observe(this.#box);
    this.#sizes.observe(this.#list);
  }

  stop(): void {
    this.#stop.abort();
    this.#sizes.disconnect();
    this.#inSight.stop();
  }

  /** Whether the end is in sight, or would be if the log were shown. */
  get atEnd(): boolean {
    return this.#following;
  }

  /** The side that is farther from what is in sight: from there rows may be dropped. */
  get farSide(): 'old' | 'new' {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    return this.#following || scrollTop > (scrollHeight - clientHeight) / 2 ? 'old' : 'new';
  }

  /** Whether the top is so near that more of the past is wanted. */
  get nearTop(): boolean {
    return this.#box.clientHeight > 0 && this.#box.scrollTop < TOP_PX;
  }

  /** Goes to the end; where newer rows were dropped, the end that is read next. */
  toEnd(): void {
    this.#whole = true;
    this.#following = true;
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** Shows these rows; `whole` tells whether the last of them is the newest. */
  show(rows: readonly Shown[], whole: boolean): void {
    this.#whole = whole;
    this.#following &&= whole;
    const keys = new Set(rows.map(row => row.key));
    const elementOf = (key: string): HTMLElement | undefined => this.#kept.get(key)?.element;
    const anchor = this.#following ? null : anchorOf(this.#box, rows, elementOf);
    for (const [key, { element }] of this.#kept) {
      if (keys.has(key)) continue;
      this.#kept.delete(key);
      this.#inSight.leave(element);
      element.remove();
    }
    let before: Element | null = null;
    for (const row of rows) {
      const element = this.#fit(row);
      const place: Element | null = before ? before.nextElementSibling : this.#list.firstElementChild;
      if (element !== place) this.#list.insertBefore(element, place);
      before = element;
    }
    if (anchor) restore(this.#box, anchor, elementOf);
    else if (this.#following) this.#box.scrollTop = this.#box.scrollHeight;
  }

  tick(): void {
    this.#inSight.tick();
  }

  /** Says how many came that are not in sight; the newest may be far. */
  news(count: number): void {
    this.#button.hidden = this.#following;
    write(this.#button.querySelector('span'), count > 0 ? this.#texts.talk.some(count) : this.#texts.talk.toNewest);
    this.#button.classList.toggle('is-new', count > 0);
  }

  /** Brings a row into sight and gives it the focus; tells whether it is here. */
  reveal(key: string): boolean {
    const row = this.#kept.get(key);
    if (!row) return false;
    this.#following = false;
    row.element.scrollIntoView({ block: 'nearest' });
    row.element.focus({ preventScroll: true });
    return true;
  }

  /** Marks a row as the one that is meant, or none. */
  point(key: string | null): void {
    this.#list.querySelector('.is-meant')?.classList.remove('is-meant');
    if (key !== null) this.#kept.get(key)?.element.classList.add('is-meant');
  }

  /** Gives the element of a row, made anew when its signature is another; a focus within it stays on what does the same. */
  #fit(row: Shown): HTMLElement {
    const before = this.#kept.get(row.key);
    if (before?.signature === row.signature) return before.element;
    const view = row.make();
    const { element } = view;
    this.#kept.set(row.key, { signature: row.signature, element });
    if (view.tick) this.#inSight.watch(element, () => view.tick?.());
    if (!before) return element;
    this.#inSight.leave(before.element);
    const focused = before.element.contains(document.activeElement) ? document.activeElement : null;
    const open = before.element.querySelector('details[open]') !== null;
    before.element.replaceWith(element);
    const details = element.querySelector('details');
    if (open && details) details.open = true;
    if (focused) {
      const act = focused instanceof HTMLElement ? focused.dataset['act'] : undefined;
      const again = act === undefined ? null : element.querySelector<HTMLElement>(`[data-act="${CSS.escape(act)}"]`);
      element.tabIndex = -1;
      (again ?? element).focus({ preventScroll: true });
    }
    return element;
  }

  #scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    if (clientHeight === 0) return;
    const left = scrollHeight - scrollTop - clientHeight;
    this.#following = left < END_PX && this.#whole;
    if (scrollTop < TOP_PX) this.#acts.older();
    if (left < TOP_PX) this.#acts.newer();
    this.#acts.scrolled();
  }

  /** The box or what is in it has another size: the end stays in sight where it was. */
  #resized(): void {
    if (this.#following) this.#box.scrollTop = this.#box.scrollHeight;
  }
}
