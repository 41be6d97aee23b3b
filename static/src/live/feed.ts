// One live query: its subscription, and the table that it fills.
import type { Subscription } from 'centrifuge';
import { emptyTable, isForeign, withBackfill, withFrame, withRepeat, type Table } from '../data/table';
import { parseBlock, parseFrame } from '../wire/block';
import { strideOf, type Link } from './link';

/** What became of the subscription. */
export type FeedState =
  | { readonly kind: 'joining' }
  | { readonly kind: 'live' }
  | { readonly kind: 'refused'; readonly text: string };

export interface FeedWatcher {
  /** New samples, or another state. */
  changed(): void;
}

/** Counts what arrives, for all feeds of the page. */
export interface Meter {
  arrived(newest: number, values: number): void;
}

export interface FeedSpec {
  readonly channel: string;
  readonly expr: string;
  readonly step: number;
  /** History wanted, ms. */
  readonly window: number;
}

/** Between two subscribes for a table that was missed, ms. */
const ASK_AGAIN_MS = 10_000;
/** Steps kept beyond the window, so that its left edge never runs empty between two draws. */
const STEPS_SPARE = 60;

export class Feed {
  readonly spec: FeedSpec;
  readonly table: Table;
  readonly watchers = new Set<FeedWatcher>();
  readonly #link: Link;
  readonly #meter: Meter;
  #state: FeedState = { kind: 'joining' };
  #subscription: Subscription | null = null;
  #asked = -Infinity;

  constructor(spec: FeedSpec, link: Link, meter: Meter) {
    this.spec = spec;
    this.#link = link;
    this.#meter = meter;
    this.table = emptyTable(spec.step, Math.ceil(spec.window / spec.step) + STEPS_SPARE);
  }

  get state(): FeedState {
    return this.#state;
  }

  start(): void {
    const { channel, expr, step, window } = this.spec;
    const subscription = this.#link.subscription(channel, { expr, step, window });
    subscription.on('subscribed', ctx => this.#joined(ctx.data, ctx.wasRecovering && ctx.recovered));
    subscription.on('publication', ctx => this.#published(ctx.data));
    subscription.on('unsubscribed', ctx => {
      if (ctx.code !== 0) this.#refused(ctx.reason);
    });
    subscription.subscribe();
    this.#subscription = subscription;
  }

  stop(): void {
    const subscription = this.#subscription;
    this.#subscription = null;
    if (!subscription) return;
    subscription.removeAllListeners();
    this.#link.client.removeSubscription(subscription);
  }

  #joined(data: unknown, recovered: boolean): void {
    const block = parseBlock(data);
    this.#state = { kind: 'live' };
    if (block && block.step === this.spec.step) {
      if (recovered) withRepeat(this.table, block);
      else withBackfill(this.table, block);
      this.#meter.arrived(this.table.newest * this.table.step, 0);
    }
    this.#tell();
  }

  #published(data: unknown): void {
    const frame = parseFrame(data);
    if (!frame) return;
    if (isForeign(this.table, frame)) {
      this.#askAgain();
      return;
    }
    withFrame(this.table, frame, strideOf(this.#link.state));
    this.#meter.arrived(this.table.newest * this.table.step, frame.v.reduce((sum, row) => sum + row.length, 0));
    this.#tell();
  }

  /** Subscribes anew for the table, not more often than a slow link can bear. */
  #askAgain(): void {
    const now = performance.now();
    if (now - this.#asked < ASK_AGAIN_MS) return;
    this.#asked = now;
    this.#subscription?.unsubscribe();
    this.#subscription?.subscribe();
  }

  #refused(text: string): void {
    this.#state = { kind: 'refused', text };
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.watchers) watcher.changed();
  }
}
