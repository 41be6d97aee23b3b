// From, to and step: what is shown, and fields to say it otherwise.
import { formatNumber } from '../format/number';
import { need, write } from '../page/dom';
import { problemLine, sayProblem } from '../page/problem';
import type { Texts } from '../texts/texts';
import { parseStep, pointsOf, stepText } from './step';
import type { FixedStretch } from './state';

export interface TimeActs {
  /** Shows a stretch; tells whether there is such a one. */
  readonly stretch: (stretch: FixedStretch) => boolean;
  readonly step: (own: number | null) => void;
}

export class TimeFields {
  readonly #texts: Texts;
  readonly #form: HTMLFormElement;
  readonly #from: HTMLInputElement;
  readonly #to: HTMLInputElement;
  readonly #step: HTMLInputElement;
  readonly #says: HTMLElement;
  readonly #problem = problemLine();

  constructor(root: ParentNode, texts: Texts, acts: TimeActs) {
    this.#texts = texts;
    this.#form = need('[data-stretch]', root);
    this.#from = need('[name="from"]', this.#form);
    this.#to = need('[name="to"]', this.#form);
    this.#step = need('[data-step]', root);
    this.#says = need('[data-step-says]', root);
    this.#step.placeholder = texts.explore.stepAuto;
    this.#says.parentElement?.append(this.#problem);
    this.#form.addEventListener('submit', event => {
      event.preventDefault();
      const [from, to] = [new Date(this.#from.value).getTime(), new Date(this.#to.value).getTime()];
      const isWrong = Number.isNaN(from) || Number.isNaN(to) || !acts.stretch({ from, to });
      this.#say(isWrong ? texts.explore.stretchWrong : '', [this.#from, this.#to]);
    });
    this.#step.addEventListener('change', () => {
      const own = parseStep(this.#step.value);
      this.#say(own === undefined ? texts.explore.stepWrong : '', [this.#step]);
      if (own !== undefined) acts.step(own);
    });
  }

  /** Writes what is shown. A field that has the focus is left alone. */
  show({ from, to }: FixedStretch, step: number, own: number | null): void {
    const { explore: words } = this.#texts;
    if (!this.#form.contains(document.activeElement)) {
      this.#from.value = local(from);
      this.#to.value = local(to);
    }
    if (document.activeElement !== this.#step || own !== null) this.#step.value = own === null ? '' : stepText(own);
    write(this.#says, words.stepSays(formatNumber(pointsOf(to - from, step), 0), own === null ? words.stepAuto : '', stepText(step)));
    this.#say('', [this.#from, this.#to, this.#step]);
  }

  #say(words: string, fields: readonly HTMLInputElement[]): void {
    sayProblem(this.#problem, words);
    for (const field of fields) field.setAttribute('aria-invalid', String(words !== ''));
  }
}

const two = (n: number): string => `${n}`.padStart(2, '0');

/** Writes a time as a field of local date and time has it, to the second. */
export function local(time: number): string {
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
