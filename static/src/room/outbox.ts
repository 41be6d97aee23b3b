// What was written and is not stored yet: sent in order, again after the link was lost, each once by its author's id.
import { refusalText } from '../live/refusal';
import { isFields, list, number, text } from '../wire/parse';
import { pinOf, type Pin } from './event';

/** Waiting for the link or for its turn; on its way; stored but not come back yet; or refused, with the reason. */
export type OutgoingState =
  | { readonly kind: 'waiting' | 'slow' | 'sending' }
  | { readonly kind: 'stored'; readonly offset: number | null }
  | { readonly kind: 'refused'; readonly reason: string };

export interface Outgoing {
  readonly id: string;
  readonly text: string;
  readonly pin: Pin | null;
  readonly at: number;
  readonly state: OutgoingState;
}

/** Where the outbox is kept over a reload. */
export interface Keep {
  read(): string | null;
  write(text: string): void;
}

export interface OutboxParts {
  readonly keep: Keep;
  /** Sends one; rejects with the server's refusal. */
  readonly say: (message: { id: string; text: string; pin?: Pin }) => Promise<unknown>;
  /** Gives the offset of the oldest event of the time line; what is older does not come to the page by itself. */
  readonly oldest: () => number | null;
  /** Tells the server once more who this is; rejects when it will not have it. */
  readonly introduce: () => Promise<unknown>;
  readonly live: () => boolean;
  readonly later: (ms: number, act: () => void) => void;
  readonly now: () => number;
  readonly freshId: () => string;
  readonly refused: string;
}

/** Wait after the server asked for less, ms: twice as long each time. */
const SLOW_MIN_MS = 500;
const SLOW_MAX_MS = 8_000;

/** The server's codes: who is not known may not write, and too much at once. */
const UNKNOWN_PERSON = 103;
const FIRST_OF_SERVER = 100;
const TOO_MANY = 111;

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #changed: () => void;
  #items: readonly Outgoing[];
  #sending = false;
  #resting = false;
  #tries = 0;
  readonly #introduced = new Set<string>();

  constructor(parts: OutboxParts, changed: () => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#items = itemsOf(parts.keep.read());
  }

  get items(): readonly Outgoing[] {
    return this.#items;
  }

  add(words: string, pin: Pin | null): void {
    const { freshId, now } = this.#parts;
    this.#set([...this.#items, { id: freshId(), text: words, pin, at: now(), state: { kind: 'waiting' } }]);
    this.pump();
  }

  /** The room has it: what was sent came back as an event. */
  arrived(id: string): void {
    if (this.#items.some(item => item.id === id)) this.#set(this.#items.filter(item => item.id !== id));
  }

  /** Drops what is stored before the oldest event of the time line: its event is not awaited any more. */
  settle(): void {
    const oldest = this.#parts.oldest();
    if (oldest === null) return;
    const left = this.#items.filter(({ state }) => state.kind !== 'stored' || state.offset === null || state.offset >= oldest);
    if (left.length < this.#items.length) this.#set(left);
  }

  /** Sends a refused one once more, under the same id. */
  again(id: string): void {
    this.#introduced.delete(id);
    this.#state(id, { kind: 'waiting' });
    this.pump();
  }

  /** Takes one out, to be written anew or left. */
  take(id: string): Outgoing | null {
    const item = this.#items.find(one => one.id === id) ?? null;
    if (item) this.#set(this.#items.filter(one => one !== item));
    return item;
  }

  /** Sends what waits, one after the other. */
  pump(): void {
    const next = this.#items.find(item => item.state.kind === 'waiting' || item.state.kind === 'slow');
    if (this.#sending || this.#resting || !next || !this.#parts.live()) return;
    this.#sending = true;
    this.#state(next.id, { kind: 'sending' });
    void this.#send(next);
  }

  async #send(item: Outgoing): Promise<void> {
    try {
      const answer = await this.#parts.say({ id: item.id, text: item.text, ...(item.pin ? { pin: item.pin } : {}) });
      this.#tries = 0;
      this.#state(item.id, { kind: 'stored', offset: isFields(answer) ? number(answer['offset']) : null });
      this.settle();
    } catch (error) {
      await this.#failed(item, error);
    }
    this.#sending = false;
    this.pump();
  }

  async #failed(item: Outgoing, error: unknown): Promise<void> {
    const code = isFields(error) ? number(error['code']) : null;
    const passing = code === null || code < FIRST_OF_SERVER || code === TOO_MANY || (isFields(error) && error['temporary'] === true);
    if (code === UNKNOWN_PERSON && !this.#introduced.has(item.id)) {
      this.#introduced.add(item.id);
      const known = await this.#parts.introduce().then(() => true, () => false);
      this.#state(item.id, known ? { kind: 'waiting' } : { kind: 'refused', reason: refusalText(error, this.#parts.refused) });
    } else if (passing) {
      this.#state(item.id, { kind: code === TOO_MANY ? 'slow' : 'waiting' });
      this.#rest();
    } else {
      this.#state(item.id, { kind: 'refused', reason: refusalText(error, this.#parts.refused) });
    }
  }

  #rest(): void {
    this.#resting = true;
    this.#parts.later(Math.min(SLOW_MAX_MS, SLOW_MIN_MS * 2 ** this.#tries++), () => {
      this.#resting = false;
      this.pump();
    });
  }

  #state(id: string, state: OutgoingState): void {
    this.#set(this.#items.map(item => (item.id === id ? { ...item, state } : item)));
  }

  #set(items: readonly Outgoing[]): void {
    this.#items = items;
    this.#parts.keep.write(JSON.stringify(items.filter(item => item.state.kind !== 'stored')));
    this.#changed();
  }
}

/** Reads what was kept; what was on its way may have arrived or not, so it is sent again under its id. */
function itemsOf(kept: string | null): Outgoing[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(kept ?? '[]');
  } catch {
    return [];
  }
  return list(parsed).flatMap((one): Outgoing[] => {
    if (!isFields(one) || text(one['id']) === '' || text(one['text']) === '') return [];
    const state = isFields(one['state']) && one['state']['kind'] === 'refused' ? { kind: 'refused' as const, reason: text(one['state']['reason']) } : { kind: 'waiting' as const };
    return [{ id: text(one['id']), text: text(one['text']), pin: pinOf(one['pin']), at: number(one['at']) ?? 0, state }];
  });
}
