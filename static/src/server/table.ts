// A table of many rows that is answered anew each second. Rows are made once and written in place; their order follows
// the answer, but not while someone is at them; scroll, focus and what is chosen stay.
import { el, need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Listing } from '../wire/server';
import { footOf, LIMITS, limitAfter, nearest, orderOf, type Question } from './listing';
import { count, namesOf } from './words';

/** How long after a touch rows stand still, ms. */
const STILL_MS = 3_000;
/** After the last letter of a search, ms. */
const SEARCH_MS = 200;

/** One row, made once for its key. */
export interface Row<View> {
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
  write(view: View): void;
}

/** Makes a word that stands before a number where the table has no heads. */
export function narrow(word: string): HTMLElement {
  return el('span', { class: 'in-narrow' }, `${word} `);
}

export interface TableParts<View> {
  readonly texts: Texts;
  /** Words of this list. */
  readonly words: Texts['server']['list']['connections'];
  readonly make: (key: string) => Row<View>;
  readonly keyOf: (view: View) => string;
  /** What is asked is another now. */
  readonly asks: () => void;
  readonly now: () => number;
  /** What else can be done about a search that finds nothing. */
  readonly otherwise?: (search: string) => Node;
}

export class LiveTable<View> {
  readonly #parts: TableParts<View>;
  readonly #body: HTMLElement;
  readonly #none: HTMLElement;
  readonly #foot: HTMLElement;
  readonly #field: HTMLInputElement;
  readonly #select: HTMLSelectElement;
  readonly #heads: readonly HTMLElement[];
  readonly #footWords = el('span');
  readonly #more = el('button', { class: 'btn', type: 'button' });
  readonly #clear = el('button', { class: 'btn', type: 'button' });
  readonly #rows = new Map<string, Row<View>>();
  #order: readonly string[] = [];
  #question: Question;
  #touched = Number.NEGATIVE_INFINITY;
  #searching: ReturnType<typeof setTimeout> | undefined;
  #chosen: string | null = null;

  constructor(root: HTMLElement, parts: TableParts<View>) {
    this.#parts = parts;
    this.#body = need('tbody', root);
    this.#none = need('[data-none]', root);
    this.#foot = need('[data-foot]', root);
    this.#field = need<HTMLInputElement>('input[type="search"]', root);
    this.#select = need<HTMLSelectElement>('select', root);
    this.#heads = [...root.querySelectorAll<HTMLElement>('th[data-sort]')];
    this.#question = { search: '', sort: this.#heads.find(head => head.hasAttribute('aria-sort'))?.dataset['sort'] ?? '', limit: LIMITS[0] };
    this.#clear.textContent = parts.texts.server.list.clear;
    this.#foot.append(this.#footWords, this.#more);
    this.#listen(root);
  }

  get question(): Question {
    return this.#question;
  }

  /** Keys of the rows as they stand, from the top. */
  get order(): readonly string[] {
    return this.#order;
  }

  stop(): void {
    clearTimeout(this.#searching);
  }

  linkOf(key: string): HTMLElement | null {
    return this.#rows.get(key)?.link ?? null;
  }

  choose(key: string | null): void {
    this.#chosen = key;
    for (const [one, row] of this.#rows) this.#mark(one, row);
  }

  /** Takes an answer to a question; an answer to an older question is passed over. */
  write(answer: Listing<View>, question: Question): void {
    if (question !== this.#question) return;
    const views = new Map(answer.rows.map(view => [this.#parts.keyOf(view), view]));
    const isHeld = this.#parts.now() - this.#touched < STILL_MS;
    this.#arrange(orderOf(this.#order, [...views.keys()], isHeld));
    for (const [key, row] of this.#rows) {
      const view = views.get(key);
      row.element.classList.toggle('is-old', view === undefined);
      if (view !== undefined) row.write(view);
    }
    this.#say(answer, question);
  }

  #arrange(order: readonly string[]): void {
    if (order.length === this.#order.length && order.every((key, i) => key === this.#order[i])) return;
    const focused = document.activeElement instanceof HTMLElement && this.#body.contains(document.activeElement) ? document.activeElement : null;
    const lost = focused?.closest<HTMLElement>('tr[data-key]')?.dataset['key'];
    const before = this.#order;
    this.#order = order;
    const wanted = new Set(order);
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
    }
    order.forEach((key, i) => {
      const row = this.#rows.get(key) ?? this.#add(key);
      if (this.#body.children[i] !== row.element) this.#body.insertBefore(row.element, this.#body.children[i] ?? null);
    });
    if (!focused || document.activeElement === focused) return;
    const next = focused.isConnected ? focused : this.linkOf(nearest(before, order, lost ?? '') ?? '') ?? this.#field;
    next.focus({ preventScroll: true });
  }

  #add(key: string): Row<View> {
    const row = this.#parts.make(key);
    row.element.dataset['key'] = key;
    this.#rows.set(key, row);
    this.#mark(key, row);
    return row;
  }

  #mark(key: string, row: Row<View>): void {
    if (key === this.#chosen) row.element.setAttribute('aria-current', 'true');
    else row.element.removeAttribute('aria-current');
  }

  #say(answer: Listing<View>, question: Question): void {
    const { texts, words } = this.#parts;
    const { list } = texts.server;
    const foot = footOf(answer, question, words, list.matching, count);
    const silent = answer.silent.length > 0 ? ` ${list.silent(namesOf(answer.silent, texts))}` : '';
    write(this.#footWords, `${foot.words}.${foot.unlisted ? ` ${list.narrow}` : ''}${silent}`);
    this.#more.hidden = foot.more === 0;
    write(this.#more, list.more(count(foot.more)));
    this.#foot.hidden = answer.rows.length === 0 && silent === '';
    this.#none.hidden = answer.rows.length > 0;
    if (answer.rows.length > 0) return;
    const said = question.search === '' ? words.empty : words.none(question.search);
    if (this.#none.dataset['said'] === said) return;
    this.#none.dataset['said'] = said;
    const { otherwise } = this.#parts;
    this.#none.replaceChildren(said, ...(question.search === '' ? [] : [' ', ...(otherwise ? [otherwise(question.search), ' '] : []), this.#clear]));
  }

  #ask(question: Partial<Question>): void {
    this.#question = { ...this.#question, ...question };
    this.#touched = Number.NEGATIVE_INFINITY;
    this.#parts.asks();
  }

  #sort(sort: string): void {
    for (const head of this.#heads) {
      if (head.dataset['sort'] === sort) head.setAttribute('aria-sort', head.dataset['order'] ?? 'descending');
      else head.removeAttribute('aria-sort');
    }
    this.#select.value = sort;
    this.#ask({ sort });
  }

  #search(): void {
    clearTimeout(this.#searching);
    const search = this.#field.value.trim();
    if (search !== this.#question.search) this.#ask({ search, limit: LIMITS[0] });
  }

  #listen(root: HTMLElement): void {
    for (const head of this.#heads) head.querySelector('button')?.addEventListener('click', () => this.#sort(head.dataset['sort'] ?? ''));
    this.#select.addEventListener('change', () => this.#sort(this.#select.value));
    this.#field.addEventListener('input', () => {
      clearTimeout(this.#searching);
      this.#searching = setTimeout(() => this.#search(), SEARCH_MS);
    });
    this.#field.addEventListener('change', () => this.#search());
    this.#more.addEventListener('click', () => this.#ask({ limit: limitAfter(this.#question.limit) ?? this.#question.limit }));
    this.#clear.addEventListener('click', () => {
      this.#field.value = '';
      this.#search();
      this.#field.focus();
    });
    const touch = (): void => { this.#touched = this.#parts.now(); };
    for (const kind of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchmove'] as const) root.addEventListener(kind, event => {
      if (event.target instanceof Node && this.#body.contains(event.target)) touch();
    }, { passive: true });
  }
}
