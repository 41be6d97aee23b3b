// Writes one row of the time line as an element, as the design's mock has it.
import { matcherWords } from '../alerts/words';
import { shown } from '../data/names';
import { clock, clockUtc, duration } from '../format/time';
import { el, icon } from '../page/dom';
import type { AlertView } from '../wire/alert';
import type { Matcher } from '../wire/rule';
import { FiringCard, type CardParts } from './card';
import { hasNoData, valueWords } from './cardwords';
import { dayOf } from './days';
import { doneCard, doneWords } from './donecard';
import type { AckEvent, AlertMoment, CommentEvent, Pin, SilenceEvent } from './event';
import { faceMark } from './face';
import { phaseOf } from './phase';
import { richText } from './richtext';
import { sumOf, type Row } from './rows';
import type { VisitEntry } from './timeline';

/** A row on the page; `tick` is called each second. */
export interface RowView {
  readonly element: HTMLElement;
  tick?(): void;
}

export interface RowParts extends CardParts {
  readonly dayWords: (at: number) => string;
  /** Gives the title of a panel, or null for one that this dashboard does not have. */
  readonly panelTitle: (id: string) => string | null;
  readonly jump: (pin: Pin) => void;
}

/** Whether a matcher means one rule by its name. */
function isRuleName({ name, op }: Matcher): boolean {
  return name === 'alertname' && op === '=';
}

export class RowMaker {
  readonly #parts: RowParts;

  constructor(parts: RowParts) {
    this.#parts = parts;
  }

  /** Gives a text that changes when a row must be written anew. */
  signature(row: Row): string {
    if (row.kind === 'visits') return JSON.stringify(row.visits.map(visit => [visit.key, visit.name]));
    if (row.kind === 'deed') return 'reason' in row.event ? row.event.reason : '';
    if (row.kind === 'day') return this.#dividerWords(row.at);
    if (row.kind !== 'alert') return '';
    if (row.event.alert.state === 'resolved') return doneWords(row.event, this.#parts.alerts, this.#parts.texts);
    if (row.event.alert.state !== 'firing') return '';
    const phase = this.#phase(row.event, row.ended);
    if (phase.kind === 'over') return `over ${phase.resolved ?? ''}`;
    const { ack, silences, nodata, severity, fired, summary } = phase.alert;
    return JSON.stringify([severity, ack, silences.map(id => [id, this.#parts.alerts.silences.get(id)?.end]), nodata, fired, summary]);
  }

  make(row: Row): RowView {
    const { talk } = this.#parts.texts;
    switch (row.kind) {
      case 'start': return { element: el('li', { class: 'log-start hint' }, talk.start) };
      case 'new': return { element: el('li', { class: 'divider is-new' }, talk.isNew) };
      case 'day': return { element: el('li', { class: 'divider' }, el('time', { datetime: new Date(row.at).toISOString() }, this.#dividerWords(row.at))) };
      case 'time': return { element: el('li', { class: 'divider' }, this.#time(row.at, true)) };
      case 'comment': return { element: this.#comment(row.event) };
      case 'deed': return { element: this.#deed(row.event) };
      case 'session': return { element: this.#line(this.#glyph(row.entry.glyph, 'is-quiet'), [row.entry.words], row.entry.at) };
      case 'visits': return { element: this.#visits(row.visits) };
      case 'alert': return this.#alert(row.event, row.ended);
    }
  }

  #time(at: number, short: boolean): HTMLElement {
    return el('time', { datetime: new Date(at).toISOString(), title: clockUtc(at) }, short ? clock(at).slice(0, 5) : clock(at));
  }

  /** Today is known: its first divider says the time, another day's says the day. */
  #dividerWords(at: number): string {
    const { dayWords, now } = this.#parts;
    return dayOf(at) === dayOf(now()) ? clock(at).slice(0, 5) : dayWords(at);
  }

  #glyph(id: string, tone: string): SVGElement {
    const mark = icon(id);
    mark.classList.add(tone);
    return mark;
  }

  #line(mark: Node, words: readonly (Node | string)[], at: number): HTMLElement {
    return el('li', { class: 'event-line' }, mark, el('span', {}, ...words), this.#time(at, false));
  }

  #comment(event: CommentEvent): HTMLElement {
    const body = el('div', {}, el('div', { class: 'event-head' }, el('b', {}, shown(event.by.name)), this.#time(event.at, true)));
    if (event.pin) body.append(this.#pin(event.pin));
    body.append(el('div', { class: 'rich' }, richText(event.text)));
    return el('li', { class: 'event', tabindex: '-1', 'data-key': event.key }, faceMark(event.by), body);
  }

  #pin(pin: Pin): HTMLElement {
    const { panelTitle, texts, jump } = this.#parts;
    const title = panelTitle(pin.panel);
    const words = title === null ? texts.talk.pinAlone(clock(pin.time)) : texts.talk.pin(title, clock(pin.time));
    if (title === null) return el('span', { class: 'at-chart' }, icon('i-pin'), words);
    const button = el('button', { class: 'at-chart', type: 'button', title: clockUtc(pin.time) }, icon('i-pin'), words);
    button.addEventListener('click', () => jump(pin));
    return button;
  }

  #deed(event: AckEvent | SilenceEvent): HTMLElement {
    const name = el('b', {}, shown(event.by.name));
    return this.#line(faceMark(event.by, ' face-small'), [name, ' ', ...this.#deedWords(event)], event.at);
  }

  #deedWords(event: AckEvent | SilenceEvent): (Node | string)[] {
    const { talk } = this.#parts.texts;
    const because = (reason: string): string[] => (reason === '' ? [] : [`: ${shown(reason)}`]);
    if (!('silence' in event)) return [...(event.kind === 'ack' ? talk.acked : talk.unacked)(shown(event.name)), ...because(event.reason)];
    const { matchers, end, reason } = event.silence;
    const about = matchers.flatMap((matcher, i) => [...(i === 0 ? [] : [' ']), isRuleName(matcher) ? el('b', { class: 'strong' }, shown(matcher.value)) : el('code', {}, matcherWords(matcher))]);
    if (event.kind === 'silence_end') return [talk.unsilenced, ...about];
    const [did, until] = talk.silenced(clock(end).slice(0, 5));
    return [did, ...about, until, ...because(reason)];
  }

  #visits(visits: readonly VisitEntry[]): HTMLElement {
    const { talk } = this.#parts.texts;
    const sum = sumOf(visits);
    const parts = [
      ...(sum.came.length + sum.unnamedCame > 0 ? [talk.came(talk.names(sum.came.map(shown), sum.unnamedCame))] : []),
      ...(sum.left.length + sum.unnamedLeft > 0 ? [talk.went(talk.names(sum.left.map(shown), sum.unnamedLeft))] : []),
    ];
    const said = (visit: VisitEntry): string => (visit.came ? talk.came : talk.went)(talk.names(visit.name === '' ? [] : [shown(visit.name)], visit.name === '' ? 1 : 0));
    const mark = this.#glyph('g-people', 'is-quiet');
    const last = visits.at(-1)?.at ?? 0;
    if (visits.length === 1) return this.#line(mark, [parts.join(', ')], last);
    const all = el('ul', {}, ...visits.map(visit => el('li', {}, `${clock(visit.at)} ${said(visit)}`)));
    const fold = el('details', {}, el('summary', {}, parts.join(', ')), all);
    return el('li', { class: 'event-line' }, mark, fold, this.#time(last, false));
  }

  #phase(event: AlertMoment, ended: AlertMoment | null): ReturnType<typeof phaseOf> {
    const { alerts, now } = this.#parts;
    return phaseOf(event, ended, alerts.get(event.alert.id), alerts.known, now());
  }

  #pendingWords(alert: AlertView): string {
    const { talk } = this.#parts.texts;
    if (hasNoData(alert.value, alert)) return talk.pendingNoData;
    return alert.value === null ? talk.pending : talk.pendingAt(valueWords(alert.value, alert, this.#parts.texts));
  }

  #alert(event: AlertMoment, ended: AlertMoment | null): RowView {
    const { texts } = this.#parts;
    const { talk } = texts;
    const { alert } = event;
    const name = el('b', {}, shown(alert.name));
    switch (alert.state) {
      case 'pending': return { element: this.#line(this.#glyph('g-pending', 'is-pending'), [name, this.#pendingWords(alert)], event.at) };
      case 'cleared': return { element: this.#line(this.#glyph('g-pending', 'is-quiet'), [name, (alert.edited ? talk.clearedEdited : talk.cleared)(duration(event.at - alert.since, texts.units))], event.at) };
      case 'resolved': return { element: doneCard(event, doneWords(event, this.#parts.alerts, texts), texts) };
      case 'firing': {
        const phase = this.#phase(event, ended);
        if (phase.kind === 'firing') return new FiringCard(event, phase.alert, this.#parts);
        const fired = clock(alert.fired ?? event.at);
        const until = ended?.alert.edited === true ? talk.firedEdited : talk.firedUntil;
        const words = phase.resolved === null ? talk.firedOnce(fired) : until(fired, clock(phase.resolved));
        return { element: this.#line(this.#glyph(`g-${alert.severity}`, 'is-quiet'), [name, words], event.at) };
      }
    }
  }
}
