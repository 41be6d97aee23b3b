// Feeds by channel: panels that ask the same share one subscription.
import type { Query } from '../boot';
import { Feed, type FeedWatcher, type Meter } from './feed';
import type { Link } from './link';

export class Feeds {
  readonly #link: Link;
  readonly #meter: Meter;
  readonly #window: (step: number) => number;
  readonly #feeds = new Map<string, Feed>();

  /** `window` is how much history is asked for in a step, ms. */
  constructor(link: Link, meter: Meter, window: (step: number) => number) {
    this.#link = link;
    this.#meter = meter;
    this.#window = window;
  }

  get all(): Iterable<Feed> {
    return this.#feeds.values();
  }

  /** Joins the feed of a query in a step, or gives null when the server named no channel for it. */
  take(query: Query, step: number, watcher: FeedWatcher): Feed | null {
    const channel = query.channels.get(step);
    if (channel === undefined) return null;
    const known = this.#feeds.get(channel);
    if (known) {
      known.watchers.add(watcher);
      return known;
    }
    const spec = { channel, expr: query.exprs.get(step) ?? query.expr, step, window: this.#window(step) };
    const feed = new Feed(spec, this.#link, this.#meter);
    feed.watchers.add(watcher);
    this.#feeds.set(channel, feed);
    feed.start();
    return feed;
  }

  /** Leaves a feed; the last to leave ends it. */
  leave(feed: Feed, watcher: FeedWatcher): void {
    feed.watchers.delete(watcher);
    if (feed.watchers.size > 0) return;
    this.#feeds.delete(feed.spec.channel);
    feed.stop();
  }
}
