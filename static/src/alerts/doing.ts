// Acks, silences and what undoes them: asked of the server at once, failures said beside what was pressed.
import { shown } from '../data/names';
import { refusalText } from '../live/refusal';
import { el } from '../page/dom';
import { freshId, type Person } from '../page/person';
import { Pop } from '../page/pop';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import type { Matcher } from '../wire/rule';
import { openAcked } from './ackedpop';
import type { AlertActions } from './actions';
import { SilenceForm, type Wanted } from './silenceform';
import { matchersOf } from './silencing';
import type { AlertState } from './state';

export interface DoingParts {
  readonly texts: Texts;
  readonly state: AlertState;
  readonly person: Person;
  /** The room that this page is; its time line gets the event. Null on pages without one. */
  readonly room: string | null;
  readonly call: (method: string, request: unknown) => Promise<unknown>;
  readonly now: () => number;
  /** Stands for what was pressed when a key was. */
  readonly fallback: () => HTMLElement;
}

export class Doing implements AlertActions {
  readonly #parts: DoingParts;

  constructor(parts: DoingParts) {
    this.#parts = parts;
  }

  ack(alert: AlertView, opener: HTMLElement = this.#parts.fallback()): void {
    const at = opener.getBoundingClientRect();
    const { person } = this.#parts;
    const mine = alert.ack !== null && alert.ack.by.id === person.current()?.id;
    void this.#named(opener, async () => {
      if (!mine) await this.#call('ack', { alert: alert.id });
      openAcked(alert, opener, at, this.#parts.texts, {
        why: reason => this.#call('ack', { alert: alert.id, reason }),
        undo: () => this.unack(alert, opener),
      });
    }, () => this.ack(alert, opener), at, alert);
  }

  unack(alert: AlertView, opener: HTMLElement = this.#parts.fallback()): void {
    const at = opener.getBoundingClientRect();
    void this.#named(opener, () => this.#call('unack', { alert: alert.id }), () => this.unack(alert, opener), at, alert);
  }

  silence(alert: AlertView, opener: HTMLElement): void {
    this.silenceMatching(alert.name, matchersOf(alert), opener);
  }

  /** Asks for a silence of all that these matchers meet. */
  silenceMatching(name: string, matchers: readonly Matcher[], opener: HTMLElement): void {
    const { texts, state, now, person } = this.#parts;
    const at = opener.getBoundingClientRect();
    void person.ask(opener).then(known => {
      if (!known) return;
      // A retry of the same form makes no second silence.
      const id = freshId();
      new SilenceForm(texts, {
        title: texts.alerts.silenceTitle(shown(name)), matchers, alerts: () => state.all(), now,
        make: (wanted: Wanted) => this.#call('silence', { id, matchers: wanted.matchers, end: Math.round(wanted.end), reason: wanted.reason }),
      }, opener, at);
    });
  }

  endSilence(id: string, opener: HTMLElement): void {
    const at = opener.getBoundingClientRect();
    void this.#named(opener, () => this.#call('end_silence', { id }), () => this.endSilence(id, opener), at, null);
  }

  /** Does it when it is known who does; says what went wrong beside the opener. */
  async #named(opener: HTMLElement, act: () => Promise<void>, again: () => void, at: DOMRect, alert: AlertView | null): Promise<void> {
    const { person } = this.#parts;
    if (!await person.ask(opener)) return;
    try {
      await act();
    } catch (error) {
      this.#failed(refusalText(error, this.#parts.texts.alerts.notConnected), again, opener, at, alert);
    }
  }

  #failed(words: string, again: () => void, opener: HTMLElement, at: DOMRect, alert: AlertView | null): void {
    const { texts } = this.#parts;
    const retry = el('button', { class: 'btn', type: 'button' }, texts.alerts.again);
    const pop = new Pop('failed', words, opener, at, el('div', { class: 'ask' },
      el('p', { class: 'problem', role: 'alert' }, alert ? `${shown(alert.name)}: ${words}` : words), el('div', { class: 'card-actions' }, retry)));
    retry.addEventListener('click', () => {
      pop.close();
      again();
    });
  }

  async #call(method: string, request: Readonly<Record<string, unknown>>): Promise<void> {
    const { call, room, texts } = this.#parts;
    try {
      await call(method, room === null ? request : { ...request, room });
    } catch (error) {
      throw new Error(refusalText(error, texts.alerts.notConnected));
    }
  }
}
