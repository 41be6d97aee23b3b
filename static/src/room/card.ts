// The card of an alert in the time line that fires, with its value as it is now.
import type { AlertActions } from '../alerts/actions';
import type { AlertState } from '../alerts/state';
import { shown } from '../data/names';
import { clock, duration } from '../format/time';
import { drawTrend } from '../draw/trend';
import type { Ink } from '../draw/ink';
import { el, icon, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import { factsOf, runbookFact, timeOf, whereFact } from './cardfacts';
import { heldWords, valueParts } from './cardwords';
import type { AlertMoment } from './event';
import { richLine, richText } from './richtext';
import { firingFrom, type Trails } from './trails';

/** What cards need of the page. */
export interface CardParts {
  readonly texts: Texts;
  readonly alerts: AlertState;
  readonly actions: AlertActions;
  /** The server's clock. */
  readonly now: () => number;
  readonly comment: (alert: AlertView) => void;
  readonly ink: Ink;
  readonly trails: Trails;
}

/** Narrower, a trail says nothing. */
const TRAIL_MIN_PX = 60;

/** A card that fires. Its value and its length change in place; all else makes a new card. */
export class FiringCard {
  readonly element: HTMLElement;
  readonly #alert: AlertView;
  readonly #parts: CardParts;
  readonly #value = el('span');
  readonly #unit = el('span', { class: 'unit' });
  readonly #since = el('span');
  readonly #trail = el('canvas', { class: 'spark', 'aria-hidden': 'true' });
  /** Size of the trail, told by the observer: to ask for it each second would lay out the page. */
  #size = { width: 0, height: 0 };

  constructor(event: AlertMoment, alert: AlertView, parts: CardParts) {
    this.#alert = alert;
    this.#parts = parts;
    const { texts } = parts;
    const { talk } = texts;
    const severity = talk.severities.get(alert.severity) ?? alert.severity;
    const head = el('div', { class: 'card-head' }, this.#glyph(), el('h3', {}, el('span', { class: 'sr' }, talk.firingHead(severity)), shown(alert.name)), timeOf(alert.fired ?? event.at));
    const facts = factsOf([
      [talk.facts.state, this.#state(severity)], [talk.facts.limit, [heldWords(alert, texts)]], ...whereFact(alert, texts), ...runbookFact(alert, texts),
    ]);
    const body = el('div', { class: 'card-body' }, el('div', { class: 'card-value' }, el('strong', {}, this.#value, this.#unit), this.#trail));
    if (alert.summary !== '') body.append(el('p', { class: 'card-summary', dir: 'auto' }, richLine(alert.summary)));
    body.append(facts);
    if (alert.description !== '') body.append(el('details', { class: 'card-about' }, el('summary', {}, talk.about), el('div', { class: 'rich' }, richText(alert.description))));
    body.append(this.#buttons());
    const stands = `${alert.ack ? ' is-acked' : ''}${this.#isSilenced ? ' is-silenced' : ''}`;
    this.element = el('li', { class: `card is-firing${stands}`, id: `alert-${alert.id}`, 'data-alert-card': alert.id, 'data-severity': alert.severity, 'aria-live': 'off', tabindex: '-1' }, head, body);
    new ResizeObserver(([entry]) => {
      if (entry) this.#size = entry.contentRect;
      this.#draw();
    }).observe(this.#trail);
    this.tick();
  }

  tick(): void {
    const { alerts, now, texts } = this.#parts;
    const [value, unit] = valueParts(alerts.valueOf(this.#alert.id) ?? this.#alert.value, this.#alert, texts);
    write(this.#value, value);
    write(this.#unit, unit);
    write(this.#since, duration(now() - (this.#alert.fired ?? this.#alert.since), texts.units));
    this.#draw();
  }

  get #isSilenced(): boolean {
    return this.#alert.silences.length > 0;
  }

  #draw(): void {
    const { alerts, now, ink, trails } = this.#parts;
    const alert = this.#alert;
    const values = trails.of(alert, alerts.rules.get(alert.rule)?.expr ?? '', alerts.valueOf(alert.id) ?? alert.value, now());
    if (this.#size.width < TRAIL_MIN_PX) return;
    const colour = this.#isSilenced ? 'text-3' : alert.severity === 'critical' ? 'critical' : 'warning-mark';
    const limits = alert.limit.op === 'present' ? [] : [alert.limit.value, alert.limit.high].filter(at => at !== null).map(at => ({ at, ink: colour }));
    drawTrend(this.#trail, this.#size.width, this.#size.height, { values, limits, since: { from: firingFrom(alert, now()), ink: colour } }, ink);
  }

  #glyph(): SVGElement {
    const mark = icon(this.#isSilenced ? 'g-silenced' : `g-${this.#alert.severity}`);
    mark.classList.add(this.#isSilenced ? 'is-quiet' : `is-${this.#alert.severity}`);
    return mark;
  }

  /** `firing for 3 m 26 s, critical`, and who acked it, or until when it is silenced. */
  #state(severity: string): (Node | string)[] {
    const { talk } = this.#parts.texts;
    const { ack, nodata } = this.#alert;
    const words: (Node | string)[] = [el('span', { class: this.#isSilenced ? 'strong' : `is-${this.#alert.severity} strong` }, talk.firing), talk.firingFor, this.#since, `, ${severity}`];
    if (ack) words.push(', ', el('span', { class: 'strong', title: ack.reason }, talk.ackedBy(shown(ack.by.name))), ...(ack.reason === '' ? [] : [`: ${shown(ack.reason)}`]));
    const silenced = this.#silenced();
    if (silenced !== '') words.push(`, ${silenced}`);
    if (nodata) words.push(`, ${talk.noData}`);
    return words;
  }

  #silenced(): string {
    const { alerts, texts } = this.#parts;
    const ends = this.#alert.silences.map(id => alerts.silences.get(id)?.end).filter(end => end !== undefined);
    if (!this.#isSilenced) return '';
    return ends.length === 0 ? texts.talk.silencedNow : texts.talk.silencedUntil(clock(Math.max(...ends)).slice(0, 5));
  }

  #buttons(): HTMLElement {
    const { texts, actions, comment } = this.#parts;
    const { talk } = texts;
    const alert = this.#alert;
    const button = (act: string, words: string, unseen: string, main: boolean, press: (button: HTMLElement) => void): HTMLElement => {
      const made = el('button', { class: main ? 'btn btn-primary' : 'btn', type: 'button', 'data-act': act }, el('span', { class: 'sr' }, talk.aboutAlert(shown(alert.name))), words, el('span', { class: 'sr' }, unseen));
      made.addEventListener('click', () => press(made));
      return made;
    };
    const first = alert.ack ? button('ack', ...talk.unack, false, opener => actions.unack(alert, opener)) : button('ack', talk.ack, '', !this.#isSilenced, opener => actions.ack(alert, opener));
    // One button, so that a focus on it stays: a second silence would add nothing to what is silenced.
    const second = this.#isSilenced
      ? button('silence', talk.endSilence, '', false, opener => { for (const id of alert.silences) actions.endSilence(id, opener); })
      : button('silence', talk.silence, '', false, opener => actions.silence(alert, opener));
    return el('div', { class: 'card-actions' }, first, second, button('comment', talk.comment, '', false, () => comment(alert)));
  }
}
