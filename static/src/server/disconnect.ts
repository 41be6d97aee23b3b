// The question before a connection is ended: what will happen, and to whom.
import { refusalText } from '../live/refusal';
import { el } from '../page/dom';
import { Pop } from '../page/pop';
import { problemLine, sayProblem } from '../page/problem';
import type { Texts } from '../texts/texts';
import type { ConnectionView } from '../wire/server';
import { shortClient, transportOf, whoOf } from './words';

export interface DisconnectQuestion {
  readonly view: ConnectionView;
  readonly texts: Texts;
  /** Whether it is this very page. */
  readonly isOwn: boolean;
  /** Rejects with what the server says when it refuses. */
  readonly disconnect: () => Promise<void>;
}

/** Says what a disconnect does to a connection: clients and pages take it differently. */
export function willWords(view: ConnectionView, isOwn: boolean, texts: Texts): string {
  const { will } = texts.server.connection;
  return isOwn ? will.own : view.page ? will.page : will.client;
}

export function askDisconnect(question: DisconnectQuestion, opener: HTMLElement): void {
  const { view, texts, isOwn } = question;
  const { connection: words } = texts.server;
  const title = words.sure(whoOf(view, texts));
  const submit = el('button', { class: 'btn btn-primary', type: 'submit' }, words.disconnect);
  const leave = el('button', { class: 'btn btn-ghost', type: 'button' }, words.leave);
  const problem = problemLine();
  const form = el('form', { class: 'ask' }, el('h2', {}, title),
    el('p', { class: 'text-2 small' }, el('code', {}, shortClient(view.client)), ` ${transportOf(view, texts)}`),
    el('p', { 'data-will': '' }, willWords(view, isOwn, texts)), problem, el('div', { class: 'card-actions' }, submit, leave));
  const pop = new Pop('disconnect', title, opener, opener.getBoundingClientRect(), form);
  // What can be taken back has the focus: Enter alone ends nothing.
  leave.focus();
  leave.addEventListener('click', () => pop.close());
  form.addEventListener('submit', event => {
    event.preventDefault();
    submit.disabled = true;
    question.disconnect().then(() => pop.close(), (error: unknown) => {
      submit.disabled = false;
      sayProblem(problem, refusalText(error, texts.alerts.notConnected));
      pop.place();
    });
  });
}
