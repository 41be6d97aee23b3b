// After an ack: why, if one wants to say it, and the way back.
import { shown } from '../data/names';
import { el } from '../page/dom';
import { Pop } from '../page/pop';
import { problemLine, sayProblem } from '../page/problem';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';

/** Most characters of a reason; the server counts the same. */
export const REASON_MAX = 500;

export interface AckedActs {
  /** Rejects with what is to be said when the server refuses. */
  readonly why: (reason: string) => Promise<void>;
  readonly undo: () => void;
}

/** Gives the label of a field with its field. */
export function whyField(id: string, texts: Texts): readonly [HTMLElement, HTMLInputElement] {
  const field = el('input', { class: 'input', type: 'text', id, maxlength: `${REASON_MAX}`, placeholder: texts.alerts.others, autocomplete: 'off' });
  return [el('div', { class: 'field' }, el('label', { for: id }, texts.alerts.why), field), field];
}

export function openAcked(alert: AlertView, opener: HTMLElement, at: DOMRect, texts: Texts, acts: AckedActs): void {
  const words = texts.alerts;
  const title = words.acked(shown(alert.name));
  const [why, field] = whyField('ack-why', texts);
  const problem = problemLine();
  const undo = el('button', { class: 'btn btn-ghost', type: 'button' }, words.undo);
  const form = el('form', { class: 'ask' }, el('p', { class: 'strong', role: 'status' }, title), why, problem,
    el('div', { class: 'card-actions' }, el('button', { class: 'btn', type: 'submit' }, words.keep), undo));
  const pop = new Pop('acked', title, opener, at, form);
  if (alert.ack) field.value = alert.ack.reason;
  undo.addEventListener('click', () => {
    pop.close();
    acts.undo();
  });
  form.addEventListener('submit', event => {
    event.preventDefault();
    acts.why(field.value.trim()).then(() => pop.close(), (error: unknown) => {
      sayProblem(problem, error instanceof Error ? error.message : words.notConnected);
      pop.place();
    });
  });
  if (alert.ack) field.focus();
}
