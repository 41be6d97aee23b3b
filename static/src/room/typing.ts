// Who is writing: each word of it holds for five seconds, or until what they wrote is here.
import { personOf, type Person } from '../wire/alert';
import { isFields } from '../wire/parse';

/** How long one word of it holds, ms. */
export const TYPING_MS = 5_000;

/** How often the server is told, ms. */
export const TELL_EVERY_MS = 3_000;

/** Who is typing, by their id, and until when, ms of this page's clock. */
export type Typing = ReadonlyMap<string, { readonly name: string; readonly until: number }>;

export function typingPerson(data: unknown): Person | null {
  return isFields(data) ? personOf(data['by']) : null;
}

export function withTyping(typing: Typing, person: Person, now: number): Typing {
  return new Map(typing).set(person.id, { name: person.name, until: now + TYPING_MS });
}

export function withoutTyping(typing: Typing, id: string): Typing {
  if (!typing.has(id)) return typing;
  const next = new Map(typing);
  next.delete(id);
  return next;
}

/** Gives those who still type; the same map when nobody stopped. */
export function stillTyping(typing: Typing, now: number): Typing {
  const left = [...typing].filter(([, { until }]) => until > now);
  return left.length === typing.size ? typing : new Map(left);
}

/** Tells the server that someone types here, not more often than it must know. */
export class TypingTeller {
  readonly #tell: () => void;
  readonly #now: () => number;
  #told = -Infinity;

  constructor(tell: () => void, now: () => number) {
    this.#tell = tell;
    this.#now = now;
  }

  typed(): void {
    if (this.#now() - this.#told < TELL_EVERY_MS) return;
    this.#told = this.#now();
    this.#tell();
  }

  /** What was written is sent: the next letter begins anew. */
  sent(): void {
    this.#told = -Infinity;
  }
}
