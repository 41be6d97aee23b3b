// A test message to one channel. What is no JSON is not sent: the form says where it stops being that.
import { markedLine } from '../format/marked';
import { clock } from '../format/time';
import { refusalText } from '../live/refusal';
import { el, need, write } from '../page/dom';
import { problemLine, sayProblem } from '../page/problem';
import type { Texts } from '../texts/texts';
import { publishedAtOf, type PublishedAt } from '../wire/server';
import { jsonProblem, type JsonProblem } from './jsonplace';
import { count } from './words';

/** A message to the server has 64 KiB at most, with the call around it; a letter takes up to three bytes. */
export const LETTERS_MAX = 20_000;
const FIRST_TEXT = '{\n  "test": true\n}';
const CHECK_MS = 300;

/** Says what is wrong with a text, and where. */
export function problemWords(problem: JsonProblem, texts: Texts): string {
  const { publish } = texts.server;
  return publish.wrong(problem.line, problem.column, publish.faults[problem.fault]);
}

/** Says where a message is now. */
export function publishedWords(at: PublishedAt, time: number, texts: Texts): string {
  const { publish } = texts.server;
  return at === null ? publish.done(clock(time)) : publish.at(count(at.offset), clock(time));
}

export interface PublishParts {
  readonly texts: Texts;
  readonly call: (method: string, request: unknown) => Promise<unknown>;
  readonly now: () => number;
  readonly done: () => void;
}

export class PublishForm {
  readonly #parts: PublishParts;
  readonly #form: HTMLFormElement;
  readonly #field: HTMLTextAreaElement;
  readonly #submit: HTMLButtonElement;
  readonly #result: HTMLElement;
  readonly #problem = problemLine();
  readonly #place = el('pre', { class: 'json-place', 'aria-hidden': 'true' });
  #channel = '';
  #sending = false;
  #checking: ReturnType<typeof setTimeout> | undefined;

  constructor(form: HTMLFormElement, parts: PublishParts) {
    this.#form = form;
    this.#parts = parts;
    this.#field = need<HTMLTextAreaElement>('textarea', form);
    this.#submit = need<HTMLButtonElement>('[type="submit"]', form);
    this.#result = need('[data-published]', form);
    this.#problem.id = 'publish-problem';
    this.#place.hidden = true;
    this.#field.value = FIRST_TEXT;
    this.#field.after(this.#problem, this.#place);
    this.#field.addEventListener('input', () => {
      clearTimeout(this.#checking);
      // While one writes everything is wrong: only what was said to be wrong is looked at again, until it is right.
      if (!this.#problem.hidden) this.#checking = setTimeout(() => this.#check(), CHECK_MS);
    });
    form.addEventListener('submit', event => {
      event.preventDefault();
      void this.#send();
    });
  }

  stop(): void {
    clearTimeout(this.#checking);
  }

  /** Shows the form for a channel; what was written stays, for the next channel, too. */
  show(channel: string, subscribers: number): void {
    if (channel !== this.#channel) {
      this.#channel = channel;
      write(this.#result, '');
      this.#say(null, '');
    }
    write(this.#submit, this.#parts.texts.server.publish.submit(subscribers, count(subscribers)));
  }

  /** Looks at what is written; gives what is wrong with it. */
  #check(): JsonProblem | null {
    const { value } = this.#field;
    const problem = jsonProblem(value);
    this.#say(problem, problem ? problemWords(problem, this.#parts.texts) : '');
    return problem;
  }

  #say(problem: JsonProblem | null, words: string): void {
    sayProblem(this.#problem, words);
    this.#place.hidden = problem === null;
    if (problem) write(this.#place, markedLine(this.#field.value, problem));
    this.#field.setAttribute('aria-invalid', String(words !== ''));
    if (words === '') this.#field.removeAttribute('aria-describedby');
    else this.#field.setAttribute('aria-describedby', this.#problem.id);
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    const { texts, call, now, done } = this.#parts;
    const { value } = this.#field;
    write(this.#result, '');
    if (value.length > LETTERS_MAX) return this.#say(null, texts.server.publish.tooLong(count(LETTERS_MAX)));
    const problem = this.#check();
    if (problem) {
      this.#field.focus();
      this.#field.setSelectionRange(problem.at, Math.min(value.length, problem.at + 1));
      return;
    }
    const channel = this.#channel;
    this.#sending = true;
    this.#submit.disabled = true;
    try {
      const at = publishedAtOf(await call('publish_test', { channel, data: JSON.parse(value) as unknown }));
      if (channel === this.#channel) write(this.#result, publishedWords(at, now(), texts));
      done();
    } catch (error) {
      if (channel === this.#channel) this.#say(null, refusalText(error, texts.alerts.notConnected));
    }
    this.#sending = false;
    this.#submit.disabled = false;
    if (document.activeElement === document.body && this.#form.isConnected) this.#submit.focus({ preventScroll: true });
  }
}
