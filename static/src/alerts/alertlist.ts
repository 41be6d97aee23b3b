// The alerts of one rule: where, how high, since when, and what can be done about each.
import { oneLine, shown } from '../data/names';
import { clockUtc } from '../format/time';
import { el, write } from '../page/dom';
import { richText } from '../room/richtext';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import type { SilenceView } from '../wire/rule';
import type { AlertActions } from './actions';
import { dress } from './chip';
import { isLive, worstFirst } from './rank';
import { silencedUntil } from './silencing';
import { labelWords, markOf, measuredWords, moment } from './words';

/** Alerts of one rule that are listed: the worst. */
const SHOWN_MAX = 100;

interface Line {
  readonly element: HTMLElement;
  readonly chip: HTMLElement;
  readonly value: HTMLElement;
  readonly since: HTMLTimeElement;
  readonly summary: HTMLElement;
  readonly description: HTMLElement;
  readonly ack: HTMLButtonElement;
  readonly silence: HTMLButtonElement;
  alert: AlertView;
}

export class AlertList {
  readonly #list: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #more = el('p', { class: 'text-3' });
  readonly #texts: Texts;
  readonly #actions: AlertActions;
  readonly #lines = new Map<string, Line>();

  constructor(box: HTMLElement, texts: Texts, actions: AlertActions) {
    this.#texts = texts;
    this.#actions = actions;
    this.#empty = el('p', { class: 'text-2' }, texts.alerts.side.noAlerts);
    this.#list = el('ul', { class: 'alert-list' });
    box.replaceChildren(this.#empty, this.#list, this.#more);
  }

  /** Writes the alerts of a rule; lines of those that stay are kept, and with them the focus. */
  write(alerts: readonly AlertView[], silences: ReadonlyMap<string, SilenceView>, valueOf: (id: string) => number | null, now: number): void {
    const all = alerts.toSorted(worstFirst);
    const sorted = all.slice(0, SHOWN_MAX);
    write(this.#more, all.length > sorted.length ? this.#texts.alerts.side.more(all.length - sorted.length) : '');
    this.#empty.hidden = sorted.length > 0;
    // What can be done about the only one stands over the list already.
    this.#list.classList.toggle('is-single', sorted.filter(isLive).length === 1);
    const wanted = new Set(sorted.map(alert => alert.id));
    for (const [id, line] of this.#lines) {
      if (wanted.has(id)) continue;
      line.element.remove();
      this.#lines.delete(id);
    }
    sorted.forEach((alert, i) => {
      const line = this.#lines.get(alert.id) ?? this.#make(alert);
      this.#lines.set(alert.id, line);
      line.alert = alert;
      if (this.#list.children[i] !== line.element) this.#list.insertBefore(line.element, this.#list.children[i] ?? null);
      this.#fill(line, silences, valueOf(alert.id), now);
    });
  }

  #make(alert: AlertView): Line {
    const button = (act: (line: Line, opener: HTMLElement) => void, kind: string): HTMLButtonElement => {
      const made = el('button', { class: `btn${kind}`, type: 'button' });
      made.addEventListener('click', () => {
        const line = this.#lines.get(alert.id);
        if (line) act(line, made);
      });
      return made;
    };
    const ack = button((line, opener) => (line.alert.ack ? this.#actions.unack(line.alert, opener) : this.#actions.ack(line.alert, opener)), '');
    const silence = button((line, opener) => this.#actions.silence(line.alert, opener), '');
    const [chip, value, summary] = [el('span', { class: 'chip' }), el('b', { class: 'strong' }), el('p')];
    const description = el('div', { class: 'rule-says rich' });
    const where = labelWords(alert.where);
    const since = el('time');
    const element = el('li', { 'data-alert': alert.id }, el('div', { class: 'alert-head' }, chip, value, since),
      el('p', { class: 'tags' }, ...where.flatMap(label => [el('code', { class: 'tag' }, label), ' '])), summary, description, el('div', { class: 'card-actions' }, ack, silence));
    return { element, chip, value, since, summary, description, ack, silence, alert };
  }

  #fill(line: Line, silences: ReadonlyMap<string, SilenceView>, value: number | null, now: number): void {
    const { alert } = line;
    const words = this.#texts.alerts;
    const mark = markOf(alert, now, silencedUntil(alert, silences), this.#texts);
    // The shape of what fires is its severity; other shapes need the word.
    dress(line.chip, mark, /^g-(?:critical|warning)$/.test(mark.glyph) ? '' : `, ${words.severities[alert.severity]}`);
    write(line.value, measuredWords(alert, value, this.#texts));
    // An alert that comes again has another beginning.
    const from = alert.fired ?? alert.since;
    if (line.since.dateTime !== new Date(from).toISOString()) {
      line.since.dateTime = new Date(from).toISOString();
      line.since.title = clockUtc(from);
    }
    write(line.since, moment(from, now, this.#texts));
    const why = alert.ack?.reason ?? '';
    write(line.summary, [oneLine(alert.summary), why === '' ? '' : `${shown(alert.ack?.by.name ?? '')}: ${shown(why)}`].filter(part => part !== '').join(' · '));
    line.summary.hidden = line.summary.textContent === '';
    if (line.description.dataset['text'] !== alert.description) {
      line.description.dataset['text'] = alert.description;
      line.description.replaceChildren(richText(alert.description));
    }
    const live = isLive(alert);
    line.ack.hidden = !live;
    line.silence.hidden = !live || alert.silences.length > 0;
    line.ack.classList.toggle('btn-primary', alert.state === 'firing' && alert.ack === null && alert.silences.length === 0);
    write(line.ack, alert.ack ? words.unack : words.ack);
    write(line.silence, words.silence);
  }
}
