// Follows who is here: the presence of the room, and joins and leaves after it.
import { came, isHere, left, peopleOf, whoOf, type Here, type People } from './presence';
import type { RoomChannel, Visitor } from './channel';
import type { VisitEntry } from './timeline';

export interface AttendanceActs {
  readonly changed: (people: People) => void;
  readonly visited: (entry: VisitEntry) => void;
  /** Who was told apart as `before` is now `who`, with this name. */
  readonly named: (before: string, who: string, name: string) => void;
  readonly now: () => number;
  /** Id of who sits at this page, or null while they have no name. */
  readonly me: () => string | null;
}

export class Attendance {
  readonly #channel: Pick<RoomChannel, 'presence'>;
  readonly #acts: AttendanceActs;
  /** Connections that this page had before: the server may not have missed them yet. */
  readonly #former = new Set<string>();
  #here: Here = new Map();
  #self = '';
  #count = 0;

  constructor(channel: Pick<RoomChannel, 'presence'>, acts: AttendanceActs) {
    this.#channel = channel;
    this.#acts = acts;
  }

  /** This page is connected, as this client. */
  connected(client: string): void {
    if (this.#self !== '' && this.#self !== client) this.#former.add(this.#self);
    this.#former.delete(client);
    this.#self = client;
  }

  async joined(): Promise<void> {
    try {
      const visitors = await this.#channel.presence();
      this.#here = new Map(visitors.filter(visitor => !this.#former.has(visitor.client)).map(visitor => [visitor.client, visitor]));
    } catch {
      // No presence in this room: then nobody is shown.
    }
    this.#tell();
  }

  /** Someone joined; a join of who is here already means that their name is another. */
  came(visitor: Visitor): void {
    if (this.#former.has(visitor.client)) return;
    const known = this.#here.get(visitor.client);
    const again = isHere(this.#here, whoOf(visitor));
    this.#here = came(this.#here, visitor);
    if (known?.user === '' && visitor.user !== '') this.#acts.named(whoOf(known), whoOf(visitor), visitor.name);
    if (!known && !again && !this.#own(visitor)) this.#visited(visitor, true);
    this.#tell();
  }

  left(visitor: Visitor): void {
    const known = this.#here.get(visitor.client);
    if (!known) return;
    this.#here = left(this.#here, visitor.client);
    if (!isHere(this.#here, whoOf(known)) && !this.#own(known)) this.#visited(known, false);
    this.#tell();
  }

  #own(visitor: Visitor): boolean {
    return visitor.client === this.#self || (visitor.user !== '' && visitor.user === this.#acts.me());
  }

  #visited(visitor: Visitor, here: boolean): void {
    this.#acts.visited({ kind: 'visit', key: `visit ${++this.#count}`, at: this.#acts.now(), who: whoOf(visitor), name: visitor.name, came: here });
  }

  #tell(): void {
    this.#acts.changed(peopleOf(this.#here, this.#self, this.#acts.me()));
  }
}
