// What is new since the page last looked: each firing once, also over a reconnect.
import type { AlertView } from '../wire/alert';
import { isLoud } from './rank';

/** Firings that are remembered; the oldest are forgotten. */
const KEPT_MAX = 5_000;

export interface News {
  readonly fired: readonly AlertView[];
  readonly resolved: readonly AlertView[];
}

export class Newsreader {
  readonly #fired = new Set<string>();
  readonly #resolved = new Set<string>();
  #first = true;

  /** Gives what fires now and did not before, and what was seen firing and is resolved. Nothing the first time. */
  read(alerts: Iterable<AlertView>): News {
    const news: { fired: AlertView[]; resolved: AlertView[] } = { fired: [], resolved: [] };
    for (const alert of alerts) {
      const key = `${alert.id} ${alert.fired ?? 0}`;
      if (isLoud(alert) && !this.#fired.has(key)) news.fired.push(alert);
      if (isLoud(alert)) this.#fired.add(key);
      if (alert.state !== 'resolved' || this.#resolved.has(key)) continue;
      this.#resolved.add(key);
      if (this.#fired.has(key)) news.resolved.push(alert);
    }
    forget(this.#fired);
    forget(this.#resolved);
    const first = this.#first;
    this.#first = false;
    return first ? { fired: [], resolved: [] } : news;
  }
}

function forget(keys: Set<string>): void {
  for (const key of keys) {
    if (keys.size <= KEPT_MAX) return;
    keys.delete(key);
  }
}
