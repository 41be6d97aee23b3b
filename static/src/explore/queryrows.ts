// The rows of queries: there is always one, and never more than the page can show.
import { formatNumber } from '../format/number';
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Asker } from './asking';
import type { Names } from './names';
import { letterOf, QueryRow } from './row';
import { QUERIES_MAX, type ExploreQuery } from './state';

export interface QueryRowsActs {
  readonly run: () => void;
  readonly rule: (expr: string) => void;
  /** Gives the keys back to the page. */
  readonly leave: () => void;
}

export class QueryRows {
  readonly #list: HTMLElement;
  readonly #add: HTMLButtonElement;
  readonly #announce: Element | null;
  readonly #texts: Texts;
  readonly #names: Names;
  readonly #acts: QueryRowsActs;
  #rows: QueryRow[] = [];
  /** The row that had the focus last: a metric is written into it. */
  #last: QueryRow | null = null;

  constructor(root: ParentNode, texts: Texts, names: Names, acts: QueryRowsActs) {
    this.#list = need('[data-queries]', root);
    this.#add = need('[data-add]', root);
    this.#announce = root.querySelector('[data-announce]');
    this.#texts = texts;
    this.#names = names;
    this.#acts = acts;
    this.#add.addEventListener('click', () => this.#insert({ expr: '', on: true }, this.#rows.length));
  }

  get queries(): readonly ExploreQuery[] {
    return this.#rows.map(row => row.query);
  }

  /** The rows that are on and have something in them. */
  get askers(): readonly Asker[] {
    return this.#rows.filter(row => row.isAsked).map(row => ({ letter: row.letter, expr: row.query.expr, say: (refusal, remarks) => row.say(refusal, remarks) }));
  }

  /** The queries that are on and that the server has not refused. */
  get exprs(): readonly string[] {
    return this.#rows.filter(row => row.isAsked && !row.isRefused).map(row => row.query.expr);
  }

  /** Writes rows for queries; those that are the same stay as they are, with their cursor. */
  show(queries: readonly ExploreQuery[]): void {
    if (JSON.stringify(queries) === JSON.stringify(this.queries)) return;
    for (const row of this.#rows) row.stop();
    this.#rows = queries.map(query => this.#make(query));
    this.#last = null;
    this.#list.replaceChildren(...this.#rows.map(row => row.element));
    this.#name();
  }

  /** Goes to the query that was written last. */
  focus(): void {
    (this.#last ?? this.#rows[0])?.editor.focus();
  }

  insert(words: string): void {
    (this.#last ?? this.#rows.at(-1))?.editor.insert(words);
  }

  stop(): void {
    for (const row of this.#rows) row.stop();
  }

  #make(query: ExploreQuery): QueryRow {
    return new QueryRow(query, this.#texts, this.#names, {
      run: this.#acts.run, leave: this.#acts.leave,
      duplicate: row => this.#insert(row.query, this.#rows.indexOf(row) + 1),
      remove: row => this.#remove(row),
      rule: row => this.#acts.rule(row.query.expr),
      focused: row => { this.#last = row; },
    });
  }

  #insert(query: ExploreQuery, place: number): void {
    if (this.#rows.length >= QUERIES_MAX) return;
    const row = this.#make(query);
    this.#rows.splice(place, 0, row);
    const before = this.#rows[place - 1];
    if (before) before.element.after(row.element);
    else this.#list.prepend(row.element);
    this.#name();
    write(this.#announce, this.#texts.explore.added(row.letter));
    row.editor.focus();
    if (row.isAsked) this.#acts.run();
  }

  /** The last row is emptied: there is always one. */
  #remove(row: QueryRow): void {
    const place = this.#rows.indexOf(row);
    const { letter } = row;
    const wasAsked = row.isAsked;
    this.#rows.splice(place, 1);
    row.stop();
    if (this.#last === row) this.#last = null;
    if (this.#rows.length === 0) {
      const fresh = this.#make({ expr: '', on: true });
      this.#rows.push(fresh);
      this.#list.append(fresh.element);
    }
    this.#name();
    write(this.#announce, this.#texts.explore.removed(letter));
    this.#rows[Math.min(place, this.#rows.length - 1)]?.editor.focus();
    if (wasAsked) this.#acts.run();
  }

  #name(): void {
    this.#rows.forEach((row, i) => row.name(letterOf(i), this.#rows.length === 1));
    this.#add.disabled = this.#rows.length >= QUERIES_MAX;
    this.#add.title = this.#add.disabled ? this.#texts.explore.full(formatNumber(QUERIES_MAX, 0)) : '';
  }
}
