// Who is in the room: faces in the top bar, in the rail, and names in the panel.
import type { ClientInfo, Subscription } from 'centrifuge';
import type { Link } from '../live/link';
import type { Texts } from '../texts/texts';
import { isFields, text } from '../wire/parse';
import { el, need, write } from './dom';
import type { SessionLog } from './sessionlog';

/** Someone in the room. Nobody signs in here yet, so most are guests, numbered as they came. */
export interface Person {
  readonly client: string;
  readonly name: string;
  readonly initials: string;
  readonly tint: number;
}

const TINTS = 5;
const FACES_MAX = 5;

/** Numbers guests in the order in which they were first seen; a name that the server knows comes first. */
export class Directory {
  readonly #texts: Texts;
  readonly #people = new Map<string, Person>();
  #guests = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  /** Someone came back as another client: they stay who they were. */
  same(before: string, now: string): void {
    const person = this.#people.get(before);
    if (person && !this.#people.has(now)) this.#people.set(now, { ...person, client: now });
  }

  of(info: ClientInfo): Person {
    const known = this.#people.get(info.client);
    if (known) return known;
    const said: unknown = info.connInfo;
    const named = isFields(said) ? text(said['name'], info.user) : info.user;
    const number = named === '' ? ++this.#guests : 0;
    const person: Person = {
      client: info.client, name: named === '' ? this.#texts.room.guest(number) : named,
      initials: named === '' ? this.#texts.room.initials(number) : initialsOf(named), tint: (this.#people.size % TINTS) + 1,
    };
    this.#people.set(info.client, person);
    return person;
  }
}

/** `Olena Tkachenko` gives `OT`. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? words.at(-1)?.[0] ?? '' : words[0]?.[1] ?? '')).toUpperCase();
}

export class People {
  readonly #link: Link;
  readonly #texts: Texts;
  readonly #log: SessionLog;
  readonly #channel: string;
  readonly #directory: Directory;
  readonly #here = new Map<string, Person>();
  readonly #faces: HTMLElement;
  readonly #rail: HTMLElement;
  readonly #names: HTMLElement;
  readonly #counts: readonly HTMLElement[];
  #subscription: Subscription | null = null;
  #self = '';
  /** Clients that this page was before: the server may not have missed them yet. */
  readonly #former = new Set<string>();

  constructor(root: ParentNode, room: string, link: Link, texts: Texts, log: SessionLog) {
    this.#channel = `room:${room}`;
    this.#link = link;
    this.#texts = texts;
    this.#log = log;
    this.#directory = new Directory(texts);
    this.#faces = need('.faces', root);
    this.#rail = need('.rail-faces', root);
    this.#names = need('.people', root);
    this.#counts = [...root.querySelectorAll<HTMLElement>('[data-here]')];
  }

  start(): void {
    this.#link.client.on('connected', ctx => {
      if (this.#self !== '' && this.#self !== ctx.client) {
        this.#directory.same(this.#self, ctx.client);
        this.#former.add(this.#self);
      }
      this.#self = ctx.client;
    });
    const subscription = this.#link.subscription(this.#channel, undefined);
    subscription.on('subscribed', () => void this.#ask());
    subscription.on('join', ctx => this.#came(ctx.info));
    subscription.on('leave', ctx => this.#left(ctx.info));
    subscription.subscribe();
    this.#subscription = subscription;
  }

  stop(): void {
    this.#subscription?.unsubscribe();
  }

  async #ask(): Promise<void> {
    try {
      const presence = await this.#subscription?.presence();
      this.#here.clear();
      for (const info of Object.values(presence?.clients ?? {})) if (!this.#former.has(info.client)) this.#here.set(info.client, this.#directory.of(info));
    } catch {
      // No presence in this room: then nobody is shown.
    }
    this.#show();
  }

  #came(info: ClientInfo): void {
    if (this.#here.has(info.client) || this.#former.has(info.client)) return;
    const person = this.#directory.of(info);
    this.#here.set(info.client, person);
    if (info.client !== this.#self) this.#log.add('g-people', this.#texts.room.joined(person.name), Date.now());
    this.#show();
  }

  #left(info: ClientInfo): void {
    const person = this.#here.get(info.client);
    if (!person || !this.#here.delete(info.client)) return;
    this.#log.add('g-people', this.#texts.room.left(person.name), Date.now());
    this.#show();
  }

  #show(): void {
    const people = [...this.#here.values()].sort((a, b) => Number(b.client === this.#self) - Number(a.client === this.#self));
    const shown = people.slice(0, FACES_MAX);
    this.#faces.replaceChildren(...shown.map(person => el('li', {}, this.#face(person, ''))));
    if (people.length > shown.length) this.#faces.append(el('li', {}, el('span', { class: 'face is-away' }, `+${people.length - shown.length}`)));
    this.#rail.replaceChildren(...shown.map(person => this.#face(person, ' face-small')));
    this.#names.replaceChildren(...people.map(person => el('li', {}, this.#face(person, ''), el('span', {}, this.#nameOf(person)))));
    for (const count of this.#counts) write(count, people.length === 0 ? '' : this.#texts.room.here(people.length));
  }

  #nameOf(person: Person): string {
    return person.client === this.#self ? this.#texts.room.withYou(person.name) : person.name;
  }

  #face(person: Person, size: string): HTMLElement {
    const name = this.#nameOf(person);
    const tint = person.tint === 1 ? '' : ` face-${person.tint}`;
    return el('span', { class: `face${tint}${size}`, title: name }, el('span', { 'aria-hidden': 'true' }, person.initials), el('span', { class: 'sr' }, name));
  }
}
