// Who writes here. Nobody signs in: a name is asked for when it is first needed, and kept on this device.
import { refusalText } from '../live/refusal';
import type { Texts } from '../texts/texts';
import { personOf, type Person as Known } from '../wire/alert';
import { isFields, text } from '../wire/parse';
import { placeBeside } from './beside';
import { keepChoice, readChoice } from './choice';
import { el, write } from './dom';

const KEPT = 'person';

/** Most characters of a name; the server counts the same. */
export const NAME_MAX = 40;

/** As much of the link as is needed to say who this is. */
export interface Introduced {
  readonly client: { setData(data: unknown): void };
  readonly state: { readonly kind: string };
  call(method: string, request: unknown): Promise<unknown>;
}

/** Gives a name as it is sent: trimmed, on one line, not too long; empty when there is none. */
export function nameFrom(words: string): string {
  return [...words.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()].slice(0, NAME_MAX).join('').trim();
}

/** Gives who was kept, or null for what is nobody. */
export function keptPerson(kept: string | null): Known | null {
  try {
    const person = personOf(JSON.parse(kept ?? 'null'));
    return person && /^[0-9a-f]{16}$/.test(person.id) && nameFrom(person.name) !== '' ? { id: person.id, name: nameFrom(person.name) } : null;
  } catch {
    return null;
  }
}

/** Gives a new id: 16 hex digits. */
export function freshId(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

export class Person {
  readonly #texts: Texts;
  #link: Introduced | null = null;
  #known: Known | null = keptPerson(readChoice(KEPT));
  #asking: Promise<Known | null> | null = null;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  current(): Known | null {
    return this.#known;
  }

  /** Tells the server who this is, on this connection and on each after it. */
  introduce(link: Introduced): void {
    this.#link = link;
    if (this.#known) link.client.setData({ person: this.#known });
  }

  /** Gives who this is; asks beside `opener` when it is not known. Null when they would not say. */
  async ask(opener: HTMLElement): Promise<Known | null> {
    if (this.#known) return this.#known;
    this.#asking ??= this.#question(opener).finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** Takes a name, on this device and on the server; rejects with what the server says of it. */
  async take(words: string): Promise<Known> {
    const name = nameFrom(words);
    if (name === '') throw new Error(this.#texts.person.empty);
    const wanted: Known = { id: this.#known?.id ?? freshId(), name };
    const link = this.#link;
    if (!link || link.state.kind !== 'live') throw new Error(this.#texts.person.away);
    const reply = await link.call('introduce', wanted);
    const known: Known = { id: wanted.id, name: isFields(reply) ? text(reply['name'], name) : name };
    this.#known = known;
    keepChoice(KEPT, JSON.stringify(known));
    link.client.setData({ person: known });
    return known;
  }

  #question(opener: HTMLElement): Promise<Known | null> {
    const words = this.#texts.person;
    const field = el('input', { class: 'input', type: 'text', id: 'person-name', maxlength: `${NAME_MAX}`, autocomplete: 'nickname', 'aria-describedby': 'person-problem' });
    const problem = el('p', { class: 'problem', id: 'person-problem', role: 'alert' });
    const leave = el('button', { class: 'btn btn-ghost', type: 'button' }, words.leave);
    const form = el('form', { class: 'ask' }, el('div', { class: 'field' }, el('label', { for: 'person-name' }, words.question), field, problem),
      el('p', { class: 'hint' }, words.hint), el('div', { class: 'card-actions' }, el('button', { class: 'btn btn-primary', type: 'submit' }, words.take), leave));
    const pop = el('section', { class: 'beside', popover: 'auto', role: 'dialog', 'aria-label': words.question }, form);
    problem.hidden = true;
    document.body.append(pop);
    pop.showPopover();
    placeBeside(pop, opener.getBoundingClientRect());
    field.focus();
    return new Promise(done => {
      let found: Known | null = null;
      leave.addEventListener('click', () => pop.hidePopover());
      pop.addEventListener('toggle', event => {
        if (event.newState !== 'closed') return;
        pop.remove();
        if (opener.isConnected) opener.focus({ preventScroll: true });
        done(found);
      });
      form.addEventListener('submit', event => {
        event.preventDefault();
        this.take(field.value).then(known => { found = known; pop.hidePopover(); }, (error: unknown) => {
          problem.hidden = false;
          field.setAttribute('aria-invalid', 'true');
          write(problem, refusalText(error, words.away));
          field.focus();
        });
      });
    });
  }
}
