// What a panel says when it has nothing to draw, or not all of it.
import type { Panel } from '../boot';
import { formatNumber } from '../format/number';
import { el, icon, write } from '../page/dom';
import type { Texts } from '../texts/texts';

/** Nobody has to read that something loads while it is quicker than reading. */
const LOADING_AFTER_MS = 400;

export class PanelWords {
  readonly #section: HTMLElement;
  readonly #panel: Panel;
  readonly #texts: Texts;
  readonly #chip: HTMLElement;
  #say: HTMLElement | null = null;
  #said = '';
  #joined = false;
  #staleSaid = '';
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

  empty(): void {
    const what = this.#panel.queries[0]?.expr ?? this.#panel.title;
    const [before, , after] = this.#texts.emptyText(what);
    const name = /[a-zA-Z_:][\w:]*(?=\s*[{[])|[a-z]+_[\w:]+/.exec(what)?.[0] ?? what;
    this.#quiet();
    this.#speak('empty', [el('b', {}, this.#texts.emptyTitle), el('span', {}, before, el('code', {}, name), after)]);
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
    this.chip(words, words === '' ? null : 'i-slow');
  }

  chip(words: string, glyph: string | null): void {
    this.#chip.hidden = words === '';
    if (this.#chip.textContent === words) return;
    this.#chip.replaceChildren(...(glyph === null ? [] : [icon(glyph)]), words);
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
