// The line under the time line that says who is writing, and the word to others that someone writes here.
import type { Link } from '../live/link';
import { shown } from '../data/names';
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import { stillTyping, TypingTeller, typingPerson, withoutTyping, withTyping, type Typing } from './typing';

export class TypistLine {
  readonly #line: HTMLElement;
  readonly #link: Link;
  readonly #room: string;
  readonly #texts: Texts;
  readonly #me: () => string | null;
  readonly #changed: () => void;
  readonly #teller: TypingTeller;
  #typing: Typing = new Map();

  constructor(root: ParentNode, link: Link, room: string, texts: Texts, me: () => string | null, changed: () => void) {
    this.#line = need('.typing', root);
    this.#link = link;
    this.#room = room;
    this.#texts = texts;
    this.#me = me;
    this.#changed = changed;
    // Who has no name yet types unseen; a word that is lost or refused is followed by the next.
    this.#teller = new TypingTeller(() => {
      if (me() !== null && link.state.kind === 'live') link.call('typing', { room }).catch(() => undefined);
    }, () => performance.now());
  }

  start(): void {
    const subscription = this.#link.subscription(`@typing:${this.#room}`, undefined);
    subscription.on('publication', ctx => this.#heard(ctx.data));
    subscription.subscribe();
  }

  /** Ids of those who type. */
  get ids(): ReadonlySet<string> {
    return new Set(this.#typing.keys());
  }

  typed(): void {
    this.#teller.typed();
  }

  sent(): void {
    this.#teller.sent();
  }

  /** What someone typed is here. */
  wrote(id: string): void {
    this.#set(withoutTyping(this.#typing, id));
  }

  tick(): void {
    this.#set(stillTyping(this.#typing, performance.now()));
  }

  #heard(data: unknown): void {
    const person = typingPerson(data);
    if (person && person.id !== '' && person.id !== this.#me()) this.#set(withTyping(this.#typing, person, performance.now()));
  }

  #set(typing: Typing): void {
    if (typing === this.#typing) return;
    this.#typing = typing;
    const names = [...typing.values()].map(({ name }) => shown(name));
    this.#line.classList.toggle('is-empty', names.length === 0);
    write(this.#line.querySelector('span'), names.length === 0 ? '' : this.#texts.talk.typing(names));
    this.#changed();
  }
}
