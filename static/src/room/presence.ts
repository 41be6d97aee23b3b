// Who is here: connections become people. A pure reducer; several tabs of one person are one.
import type { Visitor } from './channel';

/** Connections by their id. */
export type Here = ReadonlyMap<string, Visitor>;

/** Someone with a name. */
export interface Somebody {
  readonly id: string;
  readonly name: string;
  readonly tabs: number;
  readonly you: boolean;
}

export interface People {
  /** Those with a name: you first, then by name. */
  readonly named: readonly Somebody[];
  /** How many others gave none. */
  readonly unnamed: number;
  /** Whether you are here without a name. */
  readonly youUnnamed: boolean;
}

/** How someone is drawn: tints 1 to 5. */
export const TINTS = 5;

export function came(here: Here, visitor: Visitor): Here {
  return new Map(here).set(visitor.client, visitor);
}

export function left(here: Here, client: string): Here {
  if (!here.has(client)) return here;
  const next = new Map(here);
  next.delete(client);
  return next;
}

/** What tells one visitor from another: the person, or the connection of someone unnamed. */
export function whoOf(visitor: Visitor): string {
  return visitor.user === '' ? `client ${visitor.client}` : `person ${visitor.user}`;
}

/** Whether someone is here, by what tells them from others. */
export function isHere(here: Here, who: string): boolean {
  for (const visitor of here.values()) if (whoOf(visitor) === who) return true;
  return false;
}

/** Gives the people of these connections. `self` is this page's own, `me` the id of who sits at it. */
export function peopleOf(here: Here, self: string, me: string | null): People {
  const named = new Map<string, Somebody>();
  let unnamed = 0;
  for (const visitor of here.values()) {
    if (visitor.user === '') {
      if (visitor.client !== self) unnamed++;
      continue;
    }
    const known = named.get(visitor.user);
    const you = visitor.client === self || visitor.user === me;
    named.set(visitor.user, { id: visitor.user, name: visitor.name || known?.name || '', tabs: (known?.tabs ?? 0) + 1, you: you || (known?.you ?? false) });
  }
  const sorted = [...named.values()].sort((a, b) => Number(b.you) - Number(a.you) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
  return { named: sorted, unnamed, youUnnamed: here.get(self)?.user === '' };
}

/** Gives the tint of a person: the same on every page. */
export function tintOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return ((hash >>> 0) % TINTS) + 1;
}

/** `Olena Tkachenko` gives `OT`, `marek` gives `MA`. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).map(word => [...word]);
  const second = words.length > 1 ? words.at(-1)?.[0] : words[0]?.[1];
  return `${words[0]?.[0] ?? ''}${second ?? ''}`.toUpperCase();
}
