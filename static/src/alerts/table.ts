// The table of rules. Rows keep their place while the page is open: they are ordered when it opens, when a filter is
// chosen, and when the file was read anew.
import type { Ink } from '../draw/ink';
import { el, icon, iconHref, need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { RuleView } from '../wire/rule';
import { FILTERS, filterCounts, inOrder, isReplaced, passes, rowsOf, worstFiring, type Filter, type RuleRow } from './rulerows';
import { RowView, type RowFacts } from './rowview';
import type { AlertState } from './state';
import type { Trends } from './trends';

/** How far outside the screen a row counts as seen. */
const MARGIN = '100px';
/** How long rows are ordered anew after the file was replaced, ms: its alerts are told after its rules. */
const SETTLE_MS = 5_000;

const GLYPHS: ReadonlyMap<Filter, readonly [string, string]> = new Map([
  ['firing', ['g-critical', 'is-critical']], ['pending', ['g-pending', 'is-pending']], ['error', ['i-wrong', 'text-2']], ['nodata', ['g-none', 'text-2']], ['silenced', ['g-silenced', 'text-2']],
]);

export interface TableParts {
  readonly texts: Texts;
  readonly state: AlertState;
  readonly ink: Ink;
  readonly trends: Trends;
  readonly now: () => number;
  readonly titles: ReadonlyMap<string, string>;
  /** Gives a rule with what else is known of it. */
  readonly fill: (rule: RuleView) => RuleView;
  /** A row got the focus. */
  readonly focused: (rule: string) => void;
}

export class RuleTable {
  readonly #parts: TableParts;
  readonly #body: HTMLElement;
  readonly #none: HTMLElement;
  readonly #views = new Map<string, RowView>();
  readonly #filters = new Map<Filter, { readonly button: HTMLElement; readonly count: HTMLElement; readonly mark: SVGElement | null }>();
  readonly #observer: IntersectionObserver;
  #rows: readonly RuleRow[] = [];
  #order: readonly string[] = [];
  #filter: Filter = 'all';
  /** Until when rows are ordered anew, ms. */
  #settling = 0;

  constructor(root: ParentNode, parts: TableParts) {
    this.#parts = parts;
    this.#body = need('#rules tbody', root);
    this.#none = need('[data-none]', root);
    this.#observer = new IntersectionObserver(entries => {
      for (const entry of entries) {
        const view = entry.target instanceof HTMLElement ? this.#views.get(entry.target.dataset['rule'] ?? '') : undefined;
        if (view) view.seen = entry.isIntersecting;
        if (view && entry.isIntersecting) this.draw(entry.target instanceof HTMLElement ? entry.target.dataset['rule'] ?? '' : '');
      }
    }, { rootMargin: MARGIN });
    this.#body.addEventListener('focusin', event => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>('tr[data-rule]') : null;
      if (row) parts.focused(row.dataset['rule'] ?? '');
    });
    this.#makeFilters(need('[data-filters]', root));
  }

  stop(): void {
    this.#observer.disconnect();
  }

  get rows(): readonly RuleRow[] {
    return this.#rows;
  }

  /** The rules as they stand in the table, from the top. */
  get shown(): readonly RuleRow[] {
    const rows = new Map(this.#rows.map(row => [row.rule.id, row]));
    return this.#order.map(id => rows.get(id)).filter(row => row !== undefined).filter(row => passes(row, this.#filter));
  }

  linkOf(rule: string): HTMLElement | null {
    return this.#views.get(rule)?.link ?? null;
  }

  /** Gives the link of a rule; a filter that hides it is put back. */
  reveal(rule: string): HTMLElement | null {
    const view = this.#views.get(rule);
    if (view?.element.hidden) this.#choose('all');
    return view?.link ?? null;
  }

  /** Takes what is known now. */
  update(): void {
    const { state, now } = this.#parts;
    const before = this.#rows.map(row => row.rule);
    this.#rows = rowsOf([...state.rules.values()].map(rule => this.#parts.fill(rule)), state.all());
    if (isReplaced(before, this.#rows)) this.#settling = now() + SETTLE_MS;
    const known = new Set(this.#order);
    if ((now() < this.#settling && inOrder(this.#rows).some((row, i) => row.rule.id !== this.#order[i])) || this.#rows.length !== known.size || this.#rows.some(row => !known.has(row.rule.id))) this.#arrange();
    else this.#write();
  }

  /** Writes the values alone. */
  values(): void {
    for (const row of this.#rows) this.#views.get(row.rule.id)?.value(row, this.#parts.state.ruleValue(row.rule.id));
  }

  /** Draws the day of a rule, or of all that are seen. */
  draw(rule: string | null): void {
    for (const row of this.#rows) {
      const view = this.#views.get(row.rule.id);
      if (!view?.seen || (rule !== null && rule !== row.rule.id)) continue;
      const values = this.#parts.trends.of(row.rule, true);
      if (values) view.draw(row, values, this.#parts.state.ruleValue(row.rule.id), this.#parts.ink);
    }
  }

  current(rule: string | null): void {
    for (const [id, view] of this.#views) {
      if (id === rule) view.element.setAttribute('aria-current', 'true');
      else view.element.removeAttribute('aria-current');
    }
  }

  #arrange(): void {
    this.#order = inOrder(this.#rows).map(row => row.rule.id);
    const wanted = new Set(this.#order);
    for (const [id, view] of this.#views) {
      if (wanted.has(id)) continue;
      this.#observer.unobserve(view.element);
      this.#views.delete(id);
    }
    for (const id of this.#order) {
      if (this.#views.has(id)) continue;
      const view = new RowView(id, this.#parts.texts);
      this.#views.set(id, view);
      this.#observer.observe(view.element);
    }
    const focused = document.activeElement;
    this.#body.replaceChildren(...this.#order.map(id => this.#views.get(id)?.element).filter(row => row !== undefined));
    if (focused instanceof HTMLElement && this.#body.contains(focused)) focused.focus({ preventScroll: true });
    this.#write();
  }

  #write(): void {
    const { state, now, titles, texts } = this.#parts;
    const facts: Omit<RowFacts, 'value'> = { silences: state.silences, now: now(), titles };
    let visible = 0;
    for (const row of this.#rows) {
      const view = this.#views.get(row.rule.id);
      if (!view) continue;
      view.write(row, { ...facts, value: state.ruleValue(row.rule.id) });
      view.element.hidden = !passes(row, this.#filter);
      if (!view.element.hidden) visible++;
    }
    this.#writeFilters();
    this.#none.hidden = visible > 0;
    write(this.#none, this.#rows.length > 0 ? texts.alerts.none : texts.alerts.noRules(state.file?.path ?? 'alerts.toml'));
  }

  #writeFilters(): void {
    const counts = filterCounts(this.#rows);
    const severity = worstFiring(this.#rows);
    for (const [filter, { button, count, mark }] of this.#filters) {
      const n = counts.get(filter) ?? 0;
      const [glyph, tone] = filter === 'firing' && severity === 'warning' ? ['g-warning', 'is-warning'] : GLYPHS.get(filter) ?? ['', ''];
      write(count, `${n}`);
      mark?.setAttribute('class', `${glyph.startsWith('g-') ? 'glyph' : 'icon'} ${n > 0 ? tone : 'is-quiet'}`);
      if (mark && mark.dataset['glyph'] !== glyph) mark.firstElementChild?.setAttribute('href', iconHref(glyph));
      if (mark) mark.dataset['glyph'] = glyph;
      // Errors are seldom: the segment is there when there is one, and while it is chosen.
      button.hidden = filter === 'error' && n === 0 && this.#filter !== 'error';
    }
  }

  #makeFilters(box: HTMLElement): void {
    box.replaceChildren(...FILTERS.map(filter => {
      const glyph = GLYPHS.get(filter);
      const mark = glyph ? icon(glyph[0]) : null;
      const count = el('span', { class: 'text-3' });
      const button = el('button', { type: 'button', 'data-filter': filter, 'aria-pressed': String(filter === 'all') },
        ...(mark ? [mark] : []), `${this.#parts.texts.alerts.filters[filter]} `, count);
      button.addEventListener('click', () => this.#choose(filter));
      this.#filters.set(filter, { button, count, mark });
      return button;
    }));
  }

  #choose(filter: Filter): void {
    this.#filter = filter;
    for (const [one, { button }] of this.#filters) button.setAttribute('aria-pressed', String(one === filter));
    this.#arrange();
    this.draw(null);
  }
}
