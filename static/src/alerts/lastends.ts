// When a rule's state changed last, where the server does not say: from the past of its alerts.
import { alertOf, type AlertView } from '../wire/alert';
import { isFields, list } from '../wire/parse';
import type { RuleView } from '../wire/rule';

const PAST_MS = 30 * 86_400_000;
/** Asks again after a failure no sooner than this, ms. */
const AGAIN_MS = 15_000;

/** Gives the last moment at which an episode changed, ms. */
function lastOf(one: AlertView): number {
  return one.resolved ?? one.fired ?? one.since;
}

export class LastEnds {
  readonly #call: (method: string, request: unknown) => Promise<unknown>;
  readonly #now: () => number;
  readonly #changed: () => void;
  readonly #known = new Map<string, number>();
  #asked = -Infinity;
  #done = false;

  constructor(call: (method: string, request: unknown) => Promise<unknown>, now: () => number, changed: () => void) {
    this.#call = call;
    this.#now = now;
    this.#changed = changed;
  }

  /** Gives a rule with its last change from the past, where it has none of its own; asks for the past once. */
  fill(rule: RuleView): RuleView {
    if (rule.changed !== null) return rule;
    void this.#ask();
    const at = this.#known.get(rule.id);
    return at === undefined ? rule : { ...rule, changed: at };
  }

  /** Takes what is known of the past. */
  take(episodes: readonly AlertView[]): void {
    let isNew = false;
    for (const one of episodes) {
      const at = lastOf(one);
      if (at <= (this.#known.get(one.rule) ?? -Infinity)) continue;
      this.#known.set(one.rule, at);
      isNew = true;
    }
    if (isNew) this.#changed();
  }

  async #ask(): Promise<void> {
    if (this.#done || this.#now() - this.#asked < AGAIN_MS) return;
    this.#asked = this.#now();
    const end = Math.ceil(this.#now());
    try {
      const reply = await this.#call('episodes', { start: end - PAST_MS, end });
      this.#done = true;
      this.take(list(isFields(reply) ? reply['episodes'] : null).map(alertOf).filter(one => one !== null));
    } catch {
      // The link broke: asked again with the next writing.
    }
  }
}
