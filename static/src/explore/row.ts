// One query of the page: its editor, its buttons, and what the server said of it.
import { markedLine } from '../format/marked';
import { el, icon, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Refusal, Remark } from './answer';
import { Editor } from './editor';
import type { Names } from './names';
import type { ExploreQuery } from './state';

export interface RowActs {
  readonly run: () => void;
  readonly duplicate: (row: QueryRow) => void;
  readonly remove: (row: QueryRow) => void;
  readonly rule: (row: QueryRow, button: HTMLElement) => void;
  readonly leave: () => void;
  readonly focused: (row: QueryRow) => void;
}

/** Letters around a mistake that are shown. */
const AROUND = 40;

export class QueryRow {
  readonly element: HTMLLIElement;
  readonly editor: Editor;
  readonly #texts: Texts;
  readonly #on: HTMLInputElement;
  readonly #letter = el('span', { class: 'query-letter', 'aria-hidden': 'true' });
  readonly #buttons: readonly (readonly [HTMLElement, (letter: string) => string])[];
  readonly #problem = el('div', { class: 'query-problem', role: 'alert' });
  readonly #remarks = el('ul', { class: 'query-remarks', role: 'list' });
  #name = '';
  #said = '';
  #refused = false;

  constructor(query: ExploreQuery, texts: Texts, names: Names, acts: RowActs) {
    this.#texts = texts;
    const words = texts.explore;
    this.#on = el('input', { type: 'checkbox', autocomplete: 'off' });
    this.#on.checked = query.on;
    this.editor = new Editor(query.expr, { label: words.query(''), hint: words.hint, phrases: words.phrases }, names, { run: acts.run, changed: () => this.#edited(), leave: acts.leave });
    const button = (glyph: string, act: () => void): HTMLElement => {
      const made = el('button', { class: 'btn btn-icon', type: 'button' }, icon(glyph));
      made.addEventListener('click', act);
      return made;
    };
    const rule = el('button', { class: 'btn btn-ghost', type: 'button', 'aria-haspopup': 'dialog' }, words.rule);
    rule.addEventListener('click', () => acts.rule(this, rule));
    const [copy, drop] = [button('i-copy', () => acts.duplicate(this)), button('i-x', () => acts.remove(this))];
    this.#buttons = [[rule, words.ruleOf], [copy, words.duplicate], [drop, words.remove], [this.#on, words.on]];
    this.#on.addEventListener('change', acts.run);
    this.element = el('li', { class: 'query' }, el('label', { class: 'query-on' }, this.#on, this.#letter), this.editor.element,
      el('div', { class: 'query-tools' }, rule, copy, drop), this.#problem, this.#remarks);
    this.element.addEventListener('focusin', () => acts.focused(this));
    this.say(null, []);
  }

  stop(): void {
    this.editor.stop();
    this.element.remove();
  }

  get query(): ExploreQuery {
    return { expr: this.editor.text, on: this.#on.checked };
  }

  /** The letter by which the page names it. */
  get letter(): string {
    return this.#name;
  }

  /** Whether the server refused what stands in it. */
  get isRefused(): boolean {
    return this.#refused;
  }

  /** Whether it is to be asked: it is on, and there is something in it. */
  get isAsked(): boolean {
    return this.#on.checked && this.editor.text.trim() !== '';
  }

  name(letter: string, isOnly: boolean): void {
    this.#name = letter;
    write(this.#letter, letter);
    this.editor.name(this.#texts.explore.query(letter));
    for (const [element, words] of this.#buttons) {
      element.setAttribute('aria-label', words(letter));
      if (element !== this.#on) element.title = words(letter);
    }
    this.element.classList.toggle('is-only', isOnly);
  }

  /** Says what the server said: a refusal with its place under the editor, and remarks. The same is not said twice. */
  say(refusal: Refusal | null, remarks: readonly Remark[]): void {
    const said = JSON.stringify([refusal, remarks, this.editor.text]);
    if (said === this.#said) return;
    this.#said = said;
    this.#refused = refusal !== null;
    const place = refusal?.place ?? null;
    this.editor.mark(refusal && place ? { place, text: refusal.text } : null);
    this.#problem.hidden = refusal === null;
    this.#problem.replaceChildren(...(refusal ? this.#refusal(refusal) : []));
    this.#remarks.hidden = remarks.length === 0;
    this.#remarks.replaceChildren(...remarks.map(remark => this.#remark(remark)));
  }

  #refusal({ text, place }: Refusal): Node[] {
    const words = this.#texts.explore;
    const line = el('p', { class: 'problem' }, icon('i-wrong'), el('span', {}, place ? words.wrongAt(`${place.line}`, `${place.column}`, text) : text));
    return place === null ? [line] : [el('pre', { class: 'query-place', 'aria-hidden': 'true' }, markedLine(this.editor.text, place, AROUND)), line];
  }

  #remark({ kind, text, place }: Remark): HTMLElement {
    const words = this.#texts.explore;
    const line = el('li', {}, el('b', {}, words.remarks[kind]), ' ', text);
    if (place) {
      const go = el('button', { class: 'link', type: 'button' }, words.goTo(`${place.line}`, `${place.column}`));
      go.addEventListener('click', () => this.editor.go(place));
      line.append(' ', go);
    }
    return line;
  }

  /** What was said is of another text. */
  #edited(): void {
    this.say(null, []);
  }
}

const LETTERS = 'ABCDEFGH';

/** Gives the letter of a query by its place. */
export function letterOf(place: number): string {
  return LETTERS[place] ?? `${place + 1}`;
}
