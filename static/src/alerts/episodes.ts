// Past episodes of alerts: asked for once, kept, and asked further back when the range moves there.
import { alertOf, type AlertView } from '../wire/alert';
import { isFields, list } from '../wire/parse';

/** Episodes kept; the oldest are forgotten. */
const KEPT_MAX = 4_000;

/** How far before what is asked for is asked too, as a share of it: a hand that shifts back asks less often. */
const AHEAD = 0.5;

/** Asks again after a failure no sooner than this, ms. */
const AGAIN_MS = 5_000;

export class Episodes {
  readonly #call: (method: string, request: unknown) => Promise<unknown>;
  readonly #changed: () => void;
  readonly #now: () => number;
  readonly #known = new Map<string, AlertView>();
  /** The stretch that is known; null before the first answer. */
  #covered: { readonly from: number; readonly to: number } | null = null;
  #asking = false;
  #failed = -Infinity;
  /** Counts forgettings: an answer to an older question is not taken. */
  #round = 0;

  constructor(call: (method: string, request: unknown) => Promise<unknown>, changed: () => void, now: () => number) {
    this.#call = call;
    this.#changed = changed;
    this.#now = now;
  }

  /** Gives the episodes that are known, and asks for those of this stretch that are not. */
  during(from: number, to: number): Iterable<AlertView> {
    this.#ask(from, to);
    return this.#known.values();
  }

  /** Keeps what ended while this page looked on: it need not be asked for. */
  remember(alerts: Iterable<AlertView>): void {
    for (const alert of alerts) if (alert.state === 'resolved' || alert.state === 'cleared') this.#keep(alert);
  }

  /** Asks anew when it is needed: something may have ended while the link was lost. */
  forget(): void {
    this.#round++;
    this.#covered = null;
    this.#failed = -Infinity;
  }

  #ask(from: number, to: number): void {
    if (this.#asking || this.#now() - this.#failed < AGAIN_MS) return;
    const known = this.#covered;
    if (known && from >= known.from) return;
    const start = Math.floor(from - (to - from) * AHEAD);
    void this.#fetch(start, Math.ceil(known ? known.from : Math.max(to, this.#now())));
  }

  async #fetch(start: number, end: number): Promise<void> {
    const round = this.#round;
    this.#asking = true;
    try {
      const reply = await this.#call('episodes', { start, end });
      if (round === this.#round) this.#take(reply, start, end);
    } catch {
      this.#failed = this.#now();
    } finally {
      this.#asking = false;
    }
  }

  #take(reply: unknown, start: number, end: number): void {
    const episodes = list(isFields(reply) ? reply['episodes'] : null).map(alertOf).filter(alert => alert !== null);
    for (const one of episodes) this.#keep(one);
    const oldest = Math.min(...episodes.map(one => one.since));
    // An answer that was cut short is known as far back as it went.
    const cut = isFields(reply) && reply['more'] === true && oldest > start && oldest < end;
    this.#covered = { from: cut ? oldest : start, to: Math.max(end, this.#covered?.to ?? end) };
    this.#changed();
  }

  #keep(alert: AlertView): void {
    this.#known.set(`${alert.id} ${alert.since}`, alert);
    for (const key of this.#known.keys()) {
      if (this.#known.size <= KEPT_MAX) break;
      this.#known.delete(key);
    }
  }
}
