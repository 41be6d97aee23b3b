// Feeds by channel: panels that ask the same share one subscription.
import type { Query } from '../boot';
import type { Range } from '../data/view';
import { Feed, type FeedWatcher, type Meter } from './feed';
import type { Link } from './link';

export class Feeds {
  readonly #link: Link;
  readonly #meter: Meter;
  readonly #ranges: readonly Range[];
  readonly #feeds = new Map<string, Feed>();

  constructor(link: Link, meter: Meter, ranges: readonly Range[]) {
    this.#link = link;
    this.#meter = meter;
    this.#ranges = ranges;
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

  /** The longest range that is drawn in this step: between ranges of one step nothing is asked again. */
  #window(step: number): number {
    return Math.max(...this.#ranges.filter(range => range.step === step).map(range => range.seconds * 1000), step);
  }
}
