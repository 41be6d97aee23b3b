// What alerts do to one panel: the rule on its top edge, and the chip in its head. Nothing moves.
import { shown } from '../data/names';
import { el, icon, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import type { RuleView, SilenceView } from '../wire/rule';
import { dress } from './chip';
import { isLive, worstFirst } from './rank';
import { silencedUntil } from './silencing';
import { markOf } from './words';

/** Gives where a rule stands on the page of alerts. */
export function hrefOf(rule: RuleView['id']): string {
  return `/alerts#rule=${encodeURIComponent(rule)}`;
}

export class PanelMark {
  readonly #section: HTMLElement;
  readonly #texts: Texts;
  readonly #show: (alert: AlertView) => boolean;
  readonly #isStat: boolean;
  #chip: HTMLAnchorElement | null = null;
  #glyph: SVGElement | null = null;
  #worst: AlertView | null = null;

  /** `show` goes to the alert's card on this page, and tells whether there is one. */
  constructor(section: HTMLElement, texts: Texts, show: (alert: AlertView) => boolean) {
    this.#section = section;
    this.#texts = texts;
    this.#show = show;
    this.#isStat = section.classList.contains('stat');
  }

  /** The worst alert of the panel that lives, or null. */
  get worst(): AlertView | null {
    return this.#worst;
  }

  /** Marks the panel with its live alerts; without any it is as it was. */
  mark(alerts: readonly AlertView[], silences: ReadonlyMap<string, SilenceView>, now: number): void {
    const live = alerts.filter(alert => isLive(alert) && !alert.inhibited).sort(worstFirst);
    const worst = live[0] ?? null;
    this.#worst = worst;
    const seen = worst !== null && worst.silences.length === 0 ? worst : null;
    const { classList, dataset } = this.#section;
    classList.toggle('is-firing', !this.#isStat && seen?.state === 'firing');
    classList.toggle('is-waiting', !this.#isStat && seen?.state === 'pending');
    classList.toggle('is-alert', this.#isStat && seen?.state === 'firing');
    if (seen) dataset['severity'] = seen.severity;
    else delete dataset['severity'];
    if (this.#isStat) this.#sign(worst, silences, now);
    else this.#say(worst, live.length - 1, silences, now);
  }

  #say(worst: AlertView | null, more: number, silences: ReadonlyMap<string, SilenceView>, now: number): void {
    if (!worst) {
      this.#chip?.remove();
      this.#chip = null;
      return;
    }
    if (!this.#chip) {
      this.#chip = el('a', { class: 'chip', 'data-alert-chip': '' });
      this.#chip.addEventListener('click', event => {
        if (this.#worst && this.#show(this.#worst)) event.preventDefault();
      });
      this.#section.querySelector('.panel-tools')?.append(this.#chip);
    }
    const href = hrefOf(worst.rule);
    if (this.#chip.getAttribute('href') !== href) this.#chip.setAttribute('href', href);
    const name = shown(worst.name);
    if (this.#chip.title !== name) this.#chip.title = name;
    dress(this.#chip, markOf(worst, now, silencedUntil(worst, silences), this.#texts), more > 0 ? this.#texts.alerts.withMore('', more) : '');
    if (!this.#chip.querySelector('.sr')) this.#chip.firstChild?.after(el('span', { class: 'sr' }));
    write(this.#chip.querySelector('.sr'), `${name}: `);
  }

  /** A stat has room for the shape alone. */
  #sign(worst: AlertView | null, silences: ReadonlyMap<string, SilenceView>, now: number): void {
    const mark = worst ? markOf(worst, now, silencedUntil(worst, silences), this.#texts) : null;
    const kind = mark ? `${mark.glyph} ${mark.tone}` : '';
    if (this.#section.dataset['sign'] === kind) return;
    this.#section.dataset['sign'] = kind;
    this.#glyph?.remove();
    this.#glyph = null;
    if (!mark || !worst) return;
    this.#glyph = icon(mark.glyph);
    this.#glyph.classList.add(mark.tone);
    this.#glyph.removeAttribute('aria-hidden');
    this.#glyph.setAttribute('role', 'img');
    this.#glyph.setAttribute('aria-label', `${shown(worst.name)}, ${worst.state === 'pending' ? this.#texts.alerts.pending : this.#texts.alerts.firing}`);
    this.#section.querySelector('dt')?.prepend(this.#glyph);
  }
}
