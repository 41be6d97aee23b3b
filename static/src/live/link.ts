// The one socket of the page, and what is known about it.
import { Centrifuge, type Subscription } from 'centrifuge';
import { isFields, number } from '../wire/parse';

/** What the server leaves out for a reader that does not keep up. */
export interface Slowed {
  /** Of so many steps of each query, whatever their length, one is sent. */
  readonly every: number;
  /** What that makes of steps of one second, ms. */
  readonly step: number;
}

/** Joining has never been connected yet; lost was, and tries again at `next` (ms), null while it tries. */
export type LinkState =
  | { readonly kind: 'joining' }
  | { readonly kind: 'live'; readonly since: number; readonly slowed: Slowed | null }
  | { readonly kind: 'lost'; readonly since: number; readonly next: number | null };

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

/**
 * When the library tries by itself, ms. It does not tell when, so attempts are timed here; this is for what it may not
 * have told of.
 */
const LIBRARY_RETRY = 60_000;

/** Gives the wait before an attempt, ms: twice as long each time, anywhere in it, so that not all pages come at once. */
export function retryDelay(attempt: number, random: number): number {
  return Math.round(RETRY_MIN + random * Math.min(RETRY_MAX - RETRY_MIN, RETRY_MIN * 2 ** Math.min(attempt, 16)));
}

/** Gives what a push of kind `message` says of slowness: null when all steps come, undefined when it says nothing of it. */
export function slowedOf(said: unknown): Slowed | null | undefined {
  if (!isFields(said) || !('slowed' in said)) return undefined;
  const slowed = said['slowed'];
  if (!isFields(slowed)) return null;
  const [every, step] = [number(slowed['every']), number(slowed['step'])];
  return every === null || step === null ? null : { every, step };
}

/** Gives how many steps of any query the server advances with each frame. */
export function strideOf(state: LinkState): number {
  return state.kind === 'live' ? state.slowed?.every ?? 1 : 1;
}

/** Connects, and keeps trying for as long as the page is open. */
export class Link {
  readonly client: Centrifuge;
  readonly #watcher: LinkWatcher;
  readonly #now: () => number;
  #state: LinkState = { kind: 'joining' };
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;

  constructor(endpoint: string, watcher: LinkWatcher, now: () => number) {
    this.#watcher = watcher;
    this.#now = now;
    this.client = new Centrifuge(endpoint, { minReconnectDelay: LIBRARY_RETRY, maxReconnectDelay: LIBRARY_RETRY, timeout: 5_000 });
    this.client.on('connected', () => this.#connected());
    this.client.on('connecting', ctx => this.#ended(ctx.code));
    this.client.on('disconnected', ctx => this.#ended(ctx.code));
    this.client.on('error', ctx => {
      if (ctx.type === 'transport' || ctx.type === 'connect') this.#again();
    });
    this.client.on('message', ctx => this.#message(ctx.data));
  }

  get state(): LinkState {
    return this.#state;
  }

  start(): void {
    this.client.connect();
  }

  stop(): void {
    this.#wait(null);
    this.client.disconnect();
  }

  /** Tries at once, without the wait. */
  tryNow(): void {
    if (this.#state.kind === 'live') return;
    this.#wait(null);
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
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#set({ kind: 'live', since: now, slowed: null });
    if (before.kind === 'lost') this.#watcher.restored({ from: before.since, to: now });
  }

  /**
   * The connection ended, or an attempt did. The library gives up on closes that it takes for final; a page on a wall must
   * not. Code 0 is our own wish.
   */
  #ended(code: number): void {
    if (code === 0) return;
    if (this.#state.kind === 'live') {
      const now = this.#now();
      if (now - this.#state.since > RETRY_MAX) this.#attempts = 0;
      this.#set({ kind: 'lost', since: now, next: null });
    }
    this.#again();
  }

  /** Tries again after a while, unless that is arranged already. */
  #again(): void {
    if (this.#retry === undefined && this.#state.kind !== 'live') this.#wait(retryDelay(this.#attempts++, Math.random()));
  }

  /** Arranges the next attempt, or none, and says when it is. */
  #wait(delay: number | null): void {
    clearTimeout(this.#retry);
    this.#retry = delay === null ? undefined : setTimeout(() => this.tryNow(), delay);
    if (this.#state.kind === 'lost') this.#set({ ...this.#state, next: delay === null ? null : this.#now() + delay });
  }

  #message(said: unknown): void {
    const slowed = slowedOf(said);
    if (this.#state.kind === 'live' && slowed !== undefined) this.#set({ ...this.#state, slowed });
  }
}
