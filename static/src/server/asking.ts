// What the page asks the server for, by what of it is open, and what came of it.
import { channelsOf, channelViewOf, connectionsOf, fleetOf, type ChannelRow, type ConnectionView, type Listing } from '../wire/server';
import type { FoundChannel } from './channelpane';
import type { Found } from './connectionpane';
import type { Fleet } from './fleet';
import type { Question } from './listing';
import type { Place } from './place';
import { Rates } from './rates';

/** Rates of rows are read one beside the other: four seconds are calm, and end soon when a reader stops. */
const ROW_RATE_MS = 4_000;
/** How many the search for one client or channel may give: what else has its name in it. */
const FEW = 50;

export type Call = (method: string, request: unknown) => Promise<unknown>;

/** What of the page is open. */
export interface Wanted {
  readonly place: Place;
  readonly connections: Question;
  readonly channels: Question;
}

export interface AskingParts {
  readonly call: Call;
  readonly fleet: Fleet;
  readonly wanted: () => Wanted;
  /** Time that only goes forward, ms. */
  readonly ticks: () => number;
  /** The whole was told: each part as soon as it is here. */
  readonly nodes: () => void;
  readonly connections: (answer: Listing<ConnectionView>, question: Question) => void;
  readonly channels: (answer: Listing<ChannelRow>, question: Question) => void;
  readonly connection: (client: string, found: Found) => void;
  readonly channel: (channel: string, found: FoundChannel) => void;
}

/** Takes what is no answer for a failure: the page cannot go on with it. */
function read<T>(parsed: T | null): T {
  if (parsed === null) throw new Error('');
  return parsed;
}

export class Asking {
  readonly connectionRates = new Rates(ROW_RATE_MS);
  readonly channelRates = new Rates(ROW_RATE_MS);
  readonly #parts: AskingParts;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /** Asks for all that is seen, at once. Rejects with the first failure when all have ended; what was answered is told. */
  async ask(): Promise<void> {
    const wanted = this.#parts.wanted();
    const { tab, open } = wanted.place;
    const asked = [this.#nodes()];
    if (tab === 'connections') asked.push(this.#connections(wanted.connections, open?.kind === 'connection' ? open.id : null));
    if (tab === 'channels') asked.push(this.#channels(wanted.channels, open?.kind === 'channel' ? open.id : null));
    const failed = (await Promise.allSettled(asked)).find(one => one.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #nodes(): Promise<void> {
    this.#parts.fleet.take(read(fleetOf(await this.#parts.call('server', {}))));
    this.#parts.nodes();
  }

  async #connections(question: Question, open: string | null): Promise<void> {
    const answer = read(connectionsOf(await this.#parts.call('connections', question)));
    const here = answer.rows.find(row => row.client === open);
    const single = open === null || here ? null : await this.#single(open);
    const rows = single?.view ? [...answer.rows, single.view] : answer.rows;
    const at = this.#parts.ticks();
    for (const row of rows) this.connectionRates.take(row.client, at, [row.messages, row.bytes]);
    this.connectionRates.keep(new Set(rows.map(row => row.client)));
    this.#parts.connections(answer, question);
    if (open === null) return;
    const view = here ?? single?.view ?? null;
    this.#parts.connection(open, view ? { kind: 'here', view } : { kind: 'gone', silent: single?.silent ?? [] });
  }

  /** Looks for a connection that the list does not show: it may be in the part that is not. */
  async #single(client: string): Promise<{ readonly view: ConnectionView | null; readonly silent: readonly string[] }> {
    const answer = read(connectionsOf(await this.#parts.call('connections', { search: client, sort: 'queue', limit: FEW })));
    return { view: answer.rows.find(row => row.client === client) ?? null, silent: answer.silent };
  }

  async #channels(question: Question, open: string | null): Promise<void> {
    const answer = read(channelsOf(await this.#parts.call('channels', question)));
    const at = this.#parts.ticks();
    let row = answer.rows.find(one => one.channel === open) ?? null;
    if (open !== null && row === null) {
      const others = read(channelsOf(await this.#parts.call('channels', { search: open, sort: 'name', limit: FEW })));
      row = others.rows.find(one => one.channel === open) ?? null;
    }
    const rows = row ? [...answer.rows, row] : answer.rows;
    for (const one of rows) this.channelRates.take(one.channel, at, [one.messages]);
    this.channelRates.keep(new Set(rows.map(one => one.channel)));
    this.#parts.channels(answer, question);
    if (open !== null) await this.#channel(open, row);
  }

  /** A refusal is of this channel alone, and said where it is opened; without a link it is a failure like the others. */
  async #channel(channel: string, row: ChannelRow | null): Promise<void> {
    try {
      this.#parts.channel(channel, { kind: 'here', view: read(channelViewOf(await this.#parts.call('channel', { channel }))), row });
    } catch (error) {
      this.#parts.channel(channel, { kind: 'refused', error });
    }
  }
}
