// What a panel says when it has nothing to draw, or not all of it.
import type { Panel } from '../boot';
import { shown } from '../data/names';
import { formatNumber } from '../format/number';
import { el, icon, write } from '../page/dom';
import type { Texts } from '../texts/texts';

/** Nobody has to read that something loads while it is quicker than reading. */
const LOADING_AFTER_MS = 400;

/** Gives the name of the metric that an expression asks for first, or the whole expression when it names none. */
export function metricOf(expr: string): string {
  const named = /__name__\s*=\s*"((?:[^"\\]|\\.)*)"/.exec(expr)?.[1];
  if (named !== undefined) return named.replace(/\\(.)/g, '$1');
  return /[a-zA-Z_:][\w:]*(?=\s*[{[])/.exec(expr)?.[0] ?? /[a-z]+_[\w:]+/.exec(expr)?.[0] ?? expr;
}

/** Gives the window of an expression that is a rate, which needs two samples in it, or null. */
export function rateWindow(expr: string): string | null {
  return /^\s*(?:rate|irate|increase)\(.*\[(\w+)\]\s*\)\s*$/s.exec(expr)?.[1] ?? null;
}

/** Tells whether an expression asks for what this program samples by itself: nobody has to push that. */
function isOwn(expr: string): boolean {
  return /job="(node|watchroom)"/.test(expr);
}

export class PanelWords {
  readonly #section: HTMLElement;
  readonly #panel: Panel;
  readonly #texts: Texts;
  readonly #chip: HTMLElement;
  #say: HTMLElement | null = null;
  #choice: HTMLElement | null = null;
  #said = '';
  #joined = false;
  #staleSaid = '';
  #noted = '';
  #notes: { readonly mark: HTMLElement; readonly list: HTMLElement } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(section: HTMLElement, panel: Panel, texts: Texts) {
    this.#section = section;
    this.#panel = panel;
    this.#texts = texts;
    this.#chip = el('span', { class: 'chip text-2', hidden: '' });
    section.querySelector('.panel-tools')?.prepend(this.#chip);
    this.#say = section.querySelector('.panel-say');
  }

  start(): void {
    this.#timer = setTimeout(() => {
      if (!this.#joined) this.chip(this.#texts.loading, null);
    }, LOADING_AFTER_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** There is something to draw, all of it or as much as can be. */
  fine(joined: boolean, drawn: number, more: number): void {
    if (joined && !this.#joined) {
      this.#joined = true;
      this.chip('', null);
    }
    if (joined && more > 0) this.#cut(drawn, more);
    if (this.#say && drawn > 0) this.#speak('', []);
  }

  /** Nothing can be drawn: no series, or series without a number. */
  empty(series: number): void {
    this.#quiet();
    const what = this.#panel.queries[0]?.expr ?? this.#panel.title;
    const { empty } = this.#texts;
    if (this.#panel.empty !== '' && series === 0) {
      this.#speak('own', [el('b', {}, this.#panel.empty)]);
      return;
    }
    const own = isOwn(what);
    const window = series === 0 ? rateWindow(what) : null;
    const [title, words] = series > 0 ? [empty.nanTitle, empty.nan] : window !== null ? [empty.rateTitle, empty.rate(window)]
      : [empty.title, own ? empty.plain : empty.pushed];
    const name = el('code', {}, shown(metricOf(what)));
    const way = el('button', { class: 'btn', type: 'button', 'data-opens': 'push' }, empty.howToPush);
    this.#speak(title, [el('b', {}, title), el('span', {}, words[0], name, words[1]), ...(own ? [] : [way])]);
  }

  /** There is something, but no number: the notes say why. */
  undrawn(notes: readonly string[]): void {
    this.#quiet();
    this.#speak(`undrawn ${notes.join('\n')}`, [el('b', {}, this.#texts.undrawn), ...notes.map(note => el('span', {}, note))]);
  }

  /** More series match than can be drawn: the choice is the reader's. */
  tooMany(drawn: number, more: number, draw: () => void): void {
    const all = formatNumber(drawn + more, 0);
    this.#quiet();
    const what = `too many ${all}`;
    if (what === this.#said) return;
    const { tooMuchTitle, tooMuchText, drawHighest } = this.#texts;
    const button = el('button', { class: 'btn', type: 'button' }, drawHighest(formatNumber(drawn, 0)));
    button.addEventListener('click', draw);
    this.#speak(what, [el('b', {}, tooMuchTitle(all, formatNumber(drawn, 0))), el('span', {}, tooMuchText), button]);
  }

  /** Says that only the highest are drawn, and takes that back on a click; null when all are. */
  highest(words: string | null, back: () => void): void {
    this.#choice?.remove();
    this.#choice = null;
    if (words === null) return;
    const button = el('button', { class: 'chip chip-choice text-2', type: 'button', 'aria-label': `${words}: ${this.#texts.drawAll}`, title: this.#texts.drawAll }, words, icon('i-x'));
    button.addEventListener('click', back);
    this.#choice = button;
    this.#chip.after(button);
  }

  refused(text: string): void {
    this.#quiet();
    const [first = '', ...rest] = text.split('\n');
    this.#speak(`refused ${text}`, [
      el('b', {}, this.#texts.errorTitle), el('code', {}, this.#panel.queries.map(query => query.expr).join('\n')),
      el('span', {}, [first, ...rest].join(' ')),
    ]);
  }

  /** Marks a panel whose samples stopped coming; 0 takes the mark away. */
  stale(words: string): void {
    if (words === this.#staleSaid) return;
    this.#staleSaid = words;
    this.#section.classList.toggle('is-stale', words !== '');
    this.#section.title = words;
    this.chip(words, words === '' ? null : 'i-slow');
  }

  chip(words: string, glyph: string | null): void {
    this.#chip.hidden = words === '';
    if (this.#chip.textContent === words) return;
    this.#chip.replaceChildren(...(glyph === null ? [] : [icon(glyph)]), words);
  }

  /** Marks a panel of whose values something is doubtful; a click shows what. */
  notes(notes: readonly string[]): void {
    const said = notes.join('\n');
    if (said === this.#noted) return;
    this.#noted = said;
    this.#notes?.mark.remove();
    this.#notes?.list.remove();
    this.#notes = null;
    if (notes.length === 0) return;
    const list = el('ul', { class: 'value-notes text-2', hidden: '' }, ...notes.map(note => el('li', {}, note)));
    const mark = el('button', { class: 'chip chip-choice text-2', type: 'button', 'aria-expanded': 'false', title: said }, icon('i-wrong'), this.#texts.notes(notes.length));
    mark.addEventListener('click', () => {
      list.hidden = !list.hidden;
      mark.setAttribute('aria-expanded', String(!list.hidden));
    });
    this.#chip.after(mark);
    this.#section.querySelector('.panel-head')?.after(list);
    this.#notes = { mark, list };
  }

  #cut(drawn: number, more: number): void {
    const all = formatNumber(drawn + more, 0);
    this.chip(this.#texts.tooMuch(all, formatNumber(drawn, 0)), null);
    this.#chip.title = this.#texts.tooMuchTitle(all, formatNumber(drawn, 0));
  }

  #quiet(): void {
    this.#joined = true;
    this.stale('');
    this.chip('', null);
  }

  #speak(what: string, content: readonly HTMLElement[]): void {
    if (what === this.#said && (what !== '' || this.#say?.hidden === true)) return;
    this.#said = what;
    if (!this.#say) {
      this.#say = el('div', { class: 'panel-say' });
      this.#section.append(this.#say);
    }
    this.#section.classList.toggle('is-saying', what !== '');
    this.#say.hidden = what === '';
    if (what !== '') this.#say.replaceChildren(...content);
    else write(this.#say, '');
  }
}
