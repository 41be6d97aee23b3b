// The one socket of the page, and what is known about it.
import { Centrifuge, type Subscription } from 'centrifuge';
import { isFields, number } from '../wire/parse';

/** Joining has never been connected yet; lost was, and tries again. */
export type LinkState =
  | { readonly kind: 'joining' }
  | { readonly kind: 'live'; readonly since: number; readonly slowed: number | null }
  | { readonly kind: 'lost'; readonly since: number };

/** An outage of the link that is over. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

export interface LinkWatcher {
  changed(state: LinkState): void;
  restored(outage: Outage): void;
}

/** Shortest and longest wait before another attempt, ms. */
const RETRY_MIN = 300;
const RETRY_MAX = 5_000;

/** Connects, and keeps trying for as long as the page is open. */
export class Link {
  readonly client: Centrifuge;
  readonly #watcher: LinkWatcher;
  readonly #now: () => number;
  #state: LinkState = { kind: 'joining' };
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(endpoint: string, watcher: LinkWatcher, now: () => number) {
    this.#watcher = watcher;
    this.#now = now;
    this.client = new Centrifuge(endpoint, { minReconnectDelay: RETRY_MIN, maxReconnectDelay: RETRY_MAX, timeout: 5_000 });
    this.client.on('connected', () => this.#connected());
    this.client.on('connecting', () => this.#lost());
    this.client.on('disconnected', ctx => this.#closed(ctx.code));
    this.client.on('message', ctx => this.#message(ctx.data));
  }

  get state(): LinkState {
    return this.#state;
  }

  start(): void {
    this.client.connect();
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.client.disconnect();
  }

  /** Tries at once, without the wait. */
  tryNow(): void {
    if (this.#state.kind === 'live') return;
    this.client.disconnect();
    this.client.connect();
  }

  /** Gives a subscription of this channel; an idle one of the same name is replaced. */
  subscription(channel: string, data: unknown): Subscription {
    const idle = this.client.getSubscription(channel);
    if (idle) this.client.removeSubscription(idle);
    return this.client.newSubscription(channel, data === undefined ? {} : { data });
  }

  /** Calls the server; rejects when it refuses or the link breaks. */
  async call(method: string, request: unknown): Promise<unknown> {
    const reply: { data: unknown } = await this.client.rpc(method, request);
    return reply.data;
  }

  #set(state: LinkState): void {
    this.#state = state;
    this.#watcher.changed(state);
  }

  #connected(): void {
    const now = this.#now();
    const before = this.#state;
    this.#set({ kind: 'live', since: now, slowed: null });
    if (before.kind === 'lost') this.#watcher.restored({ from: before.since, to: now });
  }

  #lost(): void {
    if (this.#state.kind === 'live') this.#set({ kind: 'lost', since: this.#now() });
  }

  /** The library gives up on closes that it takes for final; a page on a wall must not. Code 0 is our own wish. */
  #closed(code: number): void {
    this.#lost();
    if (code !== 0) this.#retry = setTimeout(() => this.client.connect(), RETRY_MAX);
  }

  #message(said: unknown): void {
    if (this.#state.kind !== 'live' || !isFields(said) || !('slowed' in said)) return;
    const slowed = said['slowed'];
    this.#set({ ...this.#state, slowed: isFields(slowed) ? number(slowed['step']) : null });
  }
}
