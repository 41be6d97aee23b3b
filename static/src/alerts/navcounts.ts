// How many alerts fire and wait, beside the links to the page of alerts.
import { el, icon } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Counts } from './rank';

export class NavCounts {
  readonly #places: readonly HTMLElement[];
  readonly #texts: Texts;
  #said = '';

  constructor(root: ParentNode, texts: Texts) {
    this.#places = [...root.querySelectorAll<HTMLElement>('[data-alert-counts]')];
    this.#texts = texts;
  }

  /** Shows what fires and waits, and how many rules cannot be evaluated. */
  show(counts: Counts, errors: number): void {
    const said = `${counts.critical} ${counts.warning} ${counts.pending} ${errors}`;
    if (said === this.#said) return;
    this.#said = said;
    const { counts: words } = this.#texts.alerts;
    const parts = [
      ['g-critical', 'is-critical', counts.critical, words.critical], ['g-warning', 'is-warning', counts.warning, words.warning],
      ['g-pending', 'is-pending', counts.pending, words.pending], ['i-wrong', 'text-2', errors, words.errors(errors)],
    ] as const;
    for (const place of this.#places) {
      place.replaceChildren(...parts.filter(([, , n]) => n > 0).map(([glyph, tone, n, word]) =>
        el('span', { class: `chip ${tone}` }, icon(glyph), `${n}`, el('span', { class: 'sr' }, ` ${word}`))));
    }
  }
}
