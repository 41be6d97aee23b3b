// Alerts, rules and silences of the whole server, as the channels `alerts`, `alerts-now` and `rules-now` tell them.
import type { AlertView } from '../wire/alert';
import type { RuleFile, RuleView, SilenceView } from '../wire/rule';
import { after, NOTHING, valuesOf, wholeOf, type Held } from './held';

export type { AlertView };

/** As much of a subscription as is needed here. */
export interface Followed {
  on(event: 'subscribed' | 'publication', listener: (ctx: { data?: unknown }) => void): unknown;
  subscribe(): void;
  unsubscribe(): void;
}

/** Gives a subscription of a channel; the page's link. */
export interface Channels {
  subscription(channel: string, data: undefined): Followed;
}

/** What a change was about: who is in which state, or only what they measure now. */
export type Changed = 'facts' | 'values';

export class AlertState {
  readonly #listeners = new Set<(changed: Changed) => void>();
  readonly #followed: Followed[] = [];
  #held: Held = NOTHING;
  #values: ReadonlyMap<string, number> = new Map();
  #ruleValues: ReadonlyMap<string, number> = new Map();

  /** Follows the alerts, and the values of rules where a page shows them. */
  start(channels: Channels, withRules: boolean): void {
    this.#follow(channels, '@alerts', data => this.#set(wholeOf(data)), data => this.#set(after(this.#held, data)));
    this.#follow(channels, '@alerts-now', null, data => {
      this.#values = valuesOf(data, 'alerts');
      this.#tell('values');
    });
    if (!withRules) return;
    this.#follow(channels, '@rules-now', null, data => {
      this.#ruleValues = valuesOf(data, 'rules');
      this.#tell('values');
    });
  }

  stop(): void {
    for (const one of this.#followed.splice(0)) one.unsubscribe();
    this.#listeners.clear();
  }

  /** Whether the server has told the whole yet. */
  get known(): boolean {
    return this.#held.known;
  }

  get rules(): ReadonlyMap<string, RuleView> {
    return this.#held.rules;
  }

  get silences(): ReadonlyMap<string, SilenceView> {
    return this.#held.silences;
  }

  /** Gives how many alerts stand that the server did not tell. */
  get more(): number {
    return this.#held.more;
  }

  get file(): RuleFile | null {
    return this.#held.file;
  }

  get(id: string): AlertView | undefined {
    return this.#held.alerts.get(id);
  }

  all(): Iterable<AlertView> {
    return this.#held.alerts.values();
  }

  /** Gives what an alert measures now, or what it did last, or null. */
  valueOf(id: string): number | null {
    const alert = this.get(id);
    const live = alert?.state === 'pending' || alert?.state === 'firing' ? this.#values.get(id) : undefined;
    return live ?? alert?.value ?? null;
  }

  /** Gives the worst value of a rule now, or null. */
  ruleValue(id: string): number | null {
    return this.#ruleValues.get(id) ?? this.#held.rules.get(id)?.value ?? null;
  }

  /** Calls back after each change, at once: pages that are not seen have a title too. */
  watch(listener: (changed: Changed) => void): void {
    this.#listeners.add(listener);
  }

  #follow(channels: Channels, channel: string, whole: ((data: unknown) => void) | null, change: (data: unknown) => void): void {
    const followed = channels.subscription(channel, undefined);
    if (whole) followed.on('subscribed', ctx => whole(ctx.data));
    followed.on('publication', ctx => change(ctx.data));
    followed.subscribe();
    this.#followed.push(followed);
  }

  #set(held: Held): void {
    if (held === this.#held) return;
    this.#held = held;
    this.#tell('facts');
  }

  #tell(changed: Changed): void {
    for (const listener of this.#listeners) listener(changed);
  }
}
