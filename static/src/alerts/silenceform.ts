// The question before a silence: until when, and why. One step: the usual answers are given already.
import { clock, duration } from '../format/time';
import { el, write } from '../page/dom';
import { Pop } from '../page/pop';
import { problemLine, sayProblem } from '../page/problem';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import type { Matcher } from '../wire/rule';
import { whyField } from './ackedpop';
import { endOf, heldBack, UNTIL_USUAL, UNTILS, type Until } from './silencing';
import { matcherWords, minute } from './words';

export interface Wanted {
  readonly matchers: readonly Matcher[];
  readonly end: number;
  readonly reason: string;
}

export interface SilenceQuestion {
  readonly title: string;
  readonly matchers: readonly Matcher[];
  /** All alerts that there are, to count those that are held back. */
  readonly alerts: () => Iterable<AlertView>;
  readonly now: () => number;
  /** Rejects with what is to be said when the server refuses. */
  readonly make: (wanted: Wanted) => Promise<void>;
}

export class SilenceForm {
  readonly #texts: Texts;
  readonly #question: SilenceQuestion;
  readonly #submit: HTMLButtonElement;
  readonly #buttons: readonly HTMLButtonElement[];
  #until: Until = UNTILS[UNTIL_USUAL] ?? { kind: 'morning' };

  constructor(texts: Texts, question: SilenceQuestion, opener: HTMLElement, at: DOMRect) {
    this.#texts = texts;
    this.#question = question;
    const words = texts.alerts;
    this.#submit = el('button', { class: 'btn btn-primary', type: 'submit' });
    this.#buttons = UNTILS.map(until => {
      const button = el('button', { type: 'button' }, until.kind === 'morning' ? words.morning : duration(until.ms, texts.units));
      button.addEventListener('click', () => this.#choose(until));
      return button;
    });
    const [why, field] = whyField('silence-why', texts);
    const problem = problemLine();
    const leave = el('button', { class: 'btn btn-ghost', type: 'button' }, words.leave);
    const form = el('form', { class: 'silence' }, el('h2', { id: 'silence-title' }, question.title),
      el('div', { class: 'field' }, el('span', { class: 'label', id: 'silence-until' }, words.until),
        el('div', { class: 'segments', role: 'group', 'aria-labelledby': 'silence-until' }, ...this.#buttons)),
      why, this.#holds(), problem, el('div', { class: 'card-actions' }, this.#submit, leave));
    const pop = new Pop('silence', question.title, opener, at, form);
    this.#choose(this.#until);
    pop.place();
    field.focus();
    leave.addEventListener('click', () => pop.close());
    form.addEventListener('submit', event => {
      event.preventDefault();
      this.#submit.disabled = true;
      question.make({ matchers: question.matchers, end: endOf(this.#until, question.now()), reason: field.value.trim() }).then(() => pop.close(), (error: unknown) => {
        this.#submit.disabled = false;
        sayProblem(problem, error instanceof Error ? error.message : words.notConnected);
        pop.place();
      });
    });
  }

  #choose(until: Until): void {
    this.#until = until;
    const now = this.#question.now();
    UNTILS.forEach((one, i) => this.#buttons[i]?.setAttribute('aria-pressed', String(one === until)));
    const end = endOf(until, now);
    write(this.#submit, this.#texts.alerts.silenceUntil(until.kind === 'morning' ? clock(end).slice(0, 5) : minute(end, now, this.#texts)));
  }

  #holds(): HTMLElement {
    const { matchers, alerts } = this.#question;
    const words = this.#texts.alerts;
    const said = matchers.filter(matcher => matcher.name !== 'alertname');
    const shown = (said.length > 0 ? said : matchers).flatMap((matcher, i) => [...(i > 0 ? [' '] : []), el('code', {}, matcherWords(matcher))]);
    return el('p', { class: 'hint' }, words.holds(heldBack(alerts(), matchers)), ...shown, words.drawn);
  }
}
