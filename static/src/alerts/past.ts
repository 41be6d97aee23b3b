// The past of one rule: when it fired, for how long, and how far it went.
import { clock, clockUtc, duration } from '../format/time';
import { el } from '../page/dom';
import type { Texts } from '../texts/texts';
import { alertOf, type AlertView } from '../wire/alert';
import { isFields, list } from '../wire/parse';
import { isLive } from './rank';
import { amount, dayOf, labelWords } from './words';

const PAST_MS = 30 * 86_400_000;
const SHOWN_MAX = 50;

/** Says in one sentence how often a rule fired; null when it did not. Episodes come newest first. */
export function pastSentence(episodes: readonly AlertView[], more: boolean, texts: Texts): string | null {
  const fired = episodes.filter(one => one.fired !== null);
  const [last] = fired;
  if (!last || last.fired === null) return null;
  const { side } = texts.alerts;
  const times = side.times(fired.length, more);
  return isLive(last) || last.resolved === null ? side.pastNow(times) : side.past(times, duration(last.resolved - last.fired, texts.units));
}

/** Says how one episode went. */
export function lastedWords(one: AlertView, texts: Texts): string {
  const { side } = texts.alerts;
  if (one.fired === null) return one.state === 'pending' ? texts.alerts.pending : side.pendingOnly;
  if (one.resolved === null) return side.firesNow;
  const lasted = side.lasted(duration(one.resolved - one.fired, texts.units));
  return [...(one.nodata ? [texts.alerts.noData] : []), one.edited ? side.untilEdited(lasted) : lasted].join(', ');
}

export class PastList {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  readonly #call: (method: string, request: unknown) => Promise<unknown>;
  readonly #now: () => number;
  readonly #read: (episodes: readonly AlertView[]) => void;
  #rule = '';
  #round = 0;

  constructor(box: HTMLElement, texts: Texts, call: (method: string, request: unknown) => Promise<unknown>, now: () => number, read: (episodes: readonly AlertView[]) => void) {
    this.#read = read;
    this.#box = box;
    this.#texts = texts;
    this.#call = call;
    this.#now = now;
  }

  /** Shows the past of a rule; asks for it anew each time. What is there stays until the answer comes. */
  async show(rule: string): Promise<void> {
    const round = ++this.#round;
    if (rule !== this.#rule) this.#box.replaceChildren(el('p', { class: 'text-3' }, this.#texts.loading));
    this.#rule = rule;
    const end = Math.ceil(this.#now());
    try {
      const reply = await this.#call('episodes', { start: end - PAST_MS, end, rule });
      if (round !== this.#round) return;
      const episodes = list(isFields(reply) ? reply['episodes'] : null).map(alertOf).filter(one => one !== null);
      this.#read(episodes);
      this.#write(episodes, isFields(reply) && reply['more'] === true);
    } catch {
      if (round === this.#round) this.#box.replaceChildren(el('p', { class: 'text-2' }, this.#texts.alerts.side.pastFailed));
    }
  }

  #write(episodes: readonly AlertView[], more: boolean): void {
    const sentence = pastSentence(episodes, more, this.#texts) ?? (episodes.length === 0 ? this.#texts.alerts.side.noPast : '');
    this.#box.replaceChildren(el('p', { class: 'verdict' }, sentence), el('ul', { class: 'spans' }, ...episodes.slice(0, SHOWN_MAX).map(one => this.#line(one))));
  }

  #line(one: AlertView): HTMLElement {
    const { side } = this.#texts.alerts;
    const at = one.fired ?? one.since;
    const today = new Date(at).toDateString() === new Date(this.#now()).toDateString();
    const most = one.extreme?.value ?? Number.NaN;
    const extreme = amount(most, one.unit, this.#texts);
    const far = one.nodata || most !== most ? '' : /^(below|<)/.test(one.limit.op) ? side.least(extreme) : side.most(extreme);
    const where = labelWords(one.where).join(' ');
    return el('li', {}, el('time', { datetime: new Date(at).toISOString(), title: clockUtc(at) }, today ? clock(at) : `${dayOf(at, this.#texts)} ${clock(at).slice(0, 5)}`),
      el('span', {}, `${this.#texts.alerts.severities[one.severity]}, ${lastedWords(one, this.#texts)}`, ...(where === '' ? [] : [' ', el('code', { class: 'text-3' }, where)])), el('span', { class: 'text-2' }, far));
  }
}
