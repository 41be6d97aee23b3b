// Silences that are in force or to come, each with its end.
import { shown } from '../data/names';
import { el, icon } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { SilenceView } from '../wire/rule';
import { standing } from './silencing';
import { matcherWords, minute } from './words';

/** Gives the name of the rule that a silence means by itself, or null. */
function ruleNameOf(silence: SilenceView): string | null {
  const named = silence.matchers.find(matcher => matcher.name === 'alertname' && matcher.op === '=');
  return named?.value ?? null;
}

export class SilenceList {
  readonly #list: HTMLElement;
  readonly #count: HTMLElement;
  readonly #texts: Texts;
  readonly #end: (silence: SilenceView, opener: HTMLElement) => void;
  #said = '';

  constructor(list: HTMLElement, count: HTMLElement, texts: Texts, end: (silence: SilenceView, opener: HTMLElement) => void) {
    this.#list = list;
    this.#count = count;
    this.#texts = texts;
    this.#end = end;
  }

  write(silences: Iterable<SilenceView>, now: number): void {
    const shownOnes = standing(silences, now);
    const said = JSON.stringify(shownOnes);
    if (said === this.#said) return;
    this.#said = said;
    this.#count.textContent = `${shownOnes.length}`;
    this.#list.replaceChildren(...shownOnes.map(silence => this.#line(silence, now)));
    if (shownOnes.length === 0) this.#list.append(el('li', { class: 'is-none text-3' }, this.#texts.alerts.silences.none));
  }

  #line(silence: SilenceView, now: number): HTMLElement {
    const { silences: words } = this.#texts.alerts;
    const glyph = icon('g-silenced');
    glyph.classList.add('is-quiet');
    const name = ruleNameOf(silence);
    const others = silence.matchers.filter(matcher => name === null || matcher.name !== 'alertname');
    const what = el('span', {}, ...(name === null ? [] : [el('b', { class: 'strong' }, shown(name)), ' ']),
      ...others.flatMap(matcher => [el('code', { class: 'tag' }, matcherWords(matcher)), ' ']), words.until(minute(silence.end, now, this.#texts)));
    const end = el('button', { class: 'btn', type: 'button', 'aria-label': words.endOf(shown(name ?? others.map(matcherWords).join(' '))) }, words.end);
    end.addEventListener('click', () => this.#end(silence, end));
    return el('li', { 'data-silence': silence.id }, glyph, what, end,
      el('p', {}, words.by(shown(silence.by?.name ?? ''), minute(silence.start, now, this.#texts), shown(silence.reason))));
  }
}
