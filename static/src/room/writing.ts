// What is written here: the composer, the outbox behind it, and who types.
import type { Link } from '../live/link';
import type { Person } from '../page/person';
import type { Texts } from '../texts/texts';
import { Composer } from './composer';
import type { CommentEvent, Pin } from './event';
import { tabKeep } from './keep';
import type { Shown } from './logview';
import { Outbox } from './outbox';
import { outRow, outSignature, type OutActs } from './outrow';
import { TypistLine } from './typistline';

export interface WritingParts {
  readonly root: ParentNode;
  readonly room: { readonly id: string; readonly title: string };
  readonly texts: Texts;
  readonly link: Link;
  readonly person: Person;
  readonly panelTitle: (id: string) => string | null;
  /** The server's clock. */
  readonly now: () => number;
  readonly later: (ms: number, act: () => void) => void;
  /** What is on its way is another. */
  readonly changed: () => void;
  /** Gives the offset of the oldest event of the time line. */
  readonly oldest: () => number | null;
  /** Others type, or do not any more. */
  readonly typing: () => void;
  /** Something was written: its end of the time line is wanted. */
  readonly wrote: () => void;
}

/** Gives a new id for a message; the page may be served without TLS, where browsers have no `randomUUID`. */
function freshId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

export class Writing {
  readonly #parts: WritingParts;
  readonly #outbox: Outbox;
  readonly #composer: Composer;
  readonly #typists: TypistLine;
  readonly #acts: OutActs;

  constructor(parts: WritingParts) {
    const { root, room, texts, link, person, panelTitle, now, later } = parts;
    const me = (): string | null => person.current()?.id ?? null;
    this.#parts = parts;
    this.#outbox = new Outbox({
      keep: tabKeep(`outbox.${room.id}`), say: message => link.call('say', { room: room.id, ...message }),
      introduce: () => link.call('introduce', person.current()), live: () => link.state.kind === 'live', oldest: parts.oldest, later, now, freshId, refused: texts.talk.refused,
    }, parts.changed);
    this.#typists = new TypistLine(root, link, room.id, texts, me, parts.typing);
    this.#composer = new Composer(root, room.title, texts, tabKeep(`draft.${room.id}`), {
      send: (text, pin, opener) => this.#send(text, pin, opener), typed: () => this.#typists.typed(), panelTitle,
    });
    this.#acts = { again: id => this.#outbox.again(id), drop: id => void this.#outbox.take(id), edit: id => this.#edit(id), panelTitle, me: () => person.current() };
  }

  start(): void {
    this.#composer.start();
    this.#typists.start();
  }

  /** Ids of others who type. */
  get typing(): ReadonlySet<string> {
    return this.#typists.ids;
  }

  /** The link is there: what waits goes out. */
  connected(): void {
    this.#outbox.pump();
  }

  /** The newest page is here, and may begin after what was written here. */
  opened(): void {
    this.#outbox.settle();
  }

  tick(): void {
    this.#typists.tick();
  }

  /** A message is in the time line: it is not on its way any more, and nobody types it. */
  arrived(event: CommentEvent, happened: boolean): void {
    this.#outbox.arrived(event.id);
    if (happened) this.#typists.wrote(event.by.id);
  }

  /** Goes to the field, with a moment of a chart or without. */
  write(pin: Pin | null): void {
    this.#composer.write(pin);
  }

  /** Gives the rows of what is on its way. */
  get rows(): Shown[] {
    return this.#outbox.items.map(item => ({
      key: `out ${item.id}`, signature: outSignature(item), isPlaced: false, make: () => ({ element: outRow(item, this.#parts.texts, this.#acts) }),
    }));
  }

  #edit(id: string): void {
    const item = this.#outbox.take(id);
    if (item) this.#composer.fill(item.text, item.pin);
  }

  async #send(text: string, pin: Pin | null, opener: HTMLElement): Promise<boolean> {
    const { person, wrote } = this.#parts;
    if (!(person.current() ?? await person.ask(opener))) return false;
    this.#typists.sent();
    this.#outbox.add(text, pin);
    wrote();
    return true;
  }
}
