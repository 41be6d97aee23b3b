// One row of the table of rules. It is made once, and written where it changes.
import { oneLine, shown } from '../data/names';
import { drawTrend } from '../draw/trend';
import type { Ink } from '../draw/ink';
import { el, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { SilenceView } from '../wire/rule';
import { dress } from './chip';
import { hrefOf } from './panelmark';
import type { RuleRow } from './rulerows';
import { changedWords, goesTo, ruleLimit, ruleMark } from './rulewords';
import { amount } from './words';

export interface RowFacts {
  readonly value: number | null;
  readonly silences: ReadonlyMap<string, SilenceView>;
  readonly now: number;
  readonly titles: ReadonlyMap<string, string>;
}

export class RowView {
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
  readonly #texts: Texts;
  readonly #chip = el('span', { class: 'chip' });
  readonly #expr = el('code');
  readonly #canvas = el('canvas', { 'aria-hidden': 'true' });
  readonly #value = el('b', { class: 'strong' });
  readonly #limit = el('span', { class: 'sub' });
  readonly #changed = el('span');
  readonly #about = el('span', { class: 'sub' });
  readonly #goes = el('span');
  /** The same under the name, where there is no column for it. */
  readonly #to = el('span', { class: 'sub to' });
  /** What the day was drawn from: it is drawn again only when that is other. */
  #day: readonly number[] = [];
  #drawn = '';
  /** Whether it is on the screen: told by the observer. */
  seen = false;

  constructor(rule: string, texts: Texts) {
    this.#texts = texts;
    this.link = el('a', { class: 'rule-name', href: hrefOf(rule).replace('/alerts', '') });
    this.element = el('tr', { 'data-rule': rule }, el('td', { class: 'state' }, this.#chip), el('td', { class: 'what' }, this.link, this.#expr, this.#to),
      el('td', { class: 'trend' }, this.#canvas), el('td', { class: 'n now' }, this.#value, this.#limit),
      el('td', { class: 'changed' }, this.#changed, this.#about), el('td', { class: 'goes' }, this.#goes));
  }

  write(row: RuleRow, facts: RowFacts): void {
    const { rule } = row;
    const [first, second] = changedWords(row, facts.silences, facts.now, this.#texts);
    const firing = row.kind === 'firing';
    this.element.classList.toggle('is-firing', firing);
    dress(this.#chip, ruleMark(row, facts.now, this.#texts), '');
    write(this.link, shown(rule.name));
    const expr = oneLine(rule.expr);
    write(this.#expr, expr);
    if (this.#expr.title !== expr) this.#expr.title = expr;
    this.value(row, facts.value);
    write(this.#limit, ruleLimit(row, this.#texts));
    write(this.#changed, first);
    write(this.#about, second);
    const goes = goesTo(rule, facts.titles, this.#texts);
    write(this.#goes, goes);
    write(this.#to, this.#texts.alerts.to(goes));
  }

  /** Writes the value alone: it changes each second. */
  value(row: RuleRow, value: number | null): void {
    write(this.#value, row.kind === 'nodata' ? amount(null, '', this.#texts) : amount(value, row.rule.unit, this.#texts));
  }

  /** Draws a day and what is measured now; the limit that is passed has the colour of its alert. */
  draw(row: RuleRow, day: readonly number[], value: number | null, ink: Ink): void {
    const severity = row.kind === 'firing' ? row.live[0]?.severity : undefined;
    const passed = severity === 'critical' ? 'critical' : 'warning-mark';
    const values = row.kind === 'nodata' || value === null ? day : [...day, value];
    const limits = row.rule.limits.flatMap(limit => [limit.value, limit.op === 'outside' ? limit.high : null].flatMap(at =>
      (at === null || !Number.isFinite(at) ? [] : [{ at, ink: limit.severity === severity ? passed : 'line-control' }])));
    const held = row.rule.limits.find(limit => limit.severity === severity) ?? row.rule.limits[0];
    const past = held && held.value !== null && /^(above|below)$/.test(held.op) ? { at: held.value, down: held.op === 'below', ink: severity ? passed : 'text-3' } : null;
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    const drawn = `${width} ${ink.worn} ${severity ?? ''} ${value ?? ''} ${row.kind} ${row.rule.text}`;
    if (day === this.#day && drawn === this.#drawn) return;
    this.#day = day;
    this.#drawn = drawn;
    drawTrend(this.#canvas, width, height, { values, limits, past }, ink);
  }
}
