// The page of alerts: the table of rules, one of them opened at its side, and the silences.
import type { Ink } from '../draw/ink';
import { need, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { Doing } from './doing';
import { fileWords, moreWords } from './filewords';
import { Gather } from './gather';
import { LastEnds } from './lastends';
import { nextFiring } from './rank';
import { RulePane } from './rulepane';
import { ruleInHash, type RuleRow } from './rulerows';
import { SilenceList } from './silencelist';
import type { AlertState } from './state';
import { RuleTable } from './table';
import { Trends } from './trends';

const WRITE_EVERY_MS = 1_000;
/** A storm of transitions is written no more often than this, ms. */
const WRITE_AFTER_MS = 50;
/** From this width on a rule stands beside the table, and one is open from the start. */
const WIDE = '(min-width: 1024px)';
/** How long a row is chosen before its rule opens, ms: a key that is held down passes over many. */
const SETTLE_MS = 120;

export interface PageParts {
  readonly texts: Texts;
  readonly state: AlertState;
  readonly doing: Doing;
  readonly ink: Ink;
  readonly call: (method: string, request: unknown) => Promise<unknown>;
  readonly now: () => number;
  readonly titles: ReadonlyMap<string, string>;
}

function hashOf(rule: string): string {
  return `#rule=${encodeURIComponent(rule)}`;
}

export class AlertsPage {
  readonly #parts: PageParts;
  readonly #main: HTMLElement;
  readonly #foot: HTMLElement;
  readonly #nothing: HTMLElement;
  readonly #trends: Trends;
  readonly #ends: LastEnds;
  readonly #table: RuleTable;
  readonly #pane: RulePane;
  readonly #silences: SilenceList;
  readonly #gather = new Gather(WRITE_AFTER_MS, () => this.#write());
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #chosen: string | null = null;
  #filed = '';

  constructor(root: ParentNode, parts: PageParts) {
    this.#parts = parts;
    this.#main = need('main.alerts', root);
    this.#foot = need('.rules-foot', root);
    this.#nothing = need('[data-nothing]', root);
    this.#trends = new Trends(parts.call, parts.now, rule => this.#table.draw(rule));
    this.#ends = new LastEnds(parts.call, parts.now, () => this.#gather.ask());
    this.#table = new RuleTable(root, { ...parts, trends: this.#trends, fill: rule => this.#ends.fill(rule), focused: rule => this.#focused(rule) });
    this.#pane = new RulePane(need('#rule', root), { ...parts, pastRead: episodes => this.#ends.take(episodes) });
    this.#silences = new SilenceList(need('[data-silences]', root), need('[data-silences-count]', root), parts.texts, (silence, opener) => parts.doing.endSilence(silence.id, opener));
    need('[data-back]', root).addEventListener('click', () => { location.hash = ''; });
  }

  start(): void {
    const { state } = this.#parts;
    const { signal } = this.#stop;
    this.#chosen = ruleInHash(location.hash);
    window.addEventListener('hashchange', () => this.#hashed(), { signal });
    window.addEventListener('resize', () => this.#table.draw(null), { signal });
    state.watch(changed => {
      if (changed === 'facts') this.#gather.ask();
      else this.#values();
    });
    this.#timer = setInterval(() => { if (state.known && !document.hidden) this.#gather.ask(); }, WRITE_EVERY_MS);
  }

  stop(): void {
    this.#stop.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#settle);
    this.#gather.stop();
    this.#trends.stop();
    this.#table.stop();
  }

  /** The theme changed. */
  newInk(): void {
    this.#table.draw(null);
  }

  /** Goes to the next row (1), or the one before (-1). */
  step(by: number): void {
    const { shown } = this.#table;
    const from = shown.findIndex(row => row.rule.id === this.#chosen);
    const next = shown[from < 0 ? (by > 0 ? 0 : shown.length - 1) : (from + by + shown.length) % Math.max(1, shown.length)];
    if (next) this.go(next.rule.id);
  }

  /** Goes to the rule of the next alert that fires. */
  next(): void {
    const current = [...this.#parts.state.all()].find(alert => alert.rule === this.#chosen && alert.state === 'firing');
    const others = [...this.#parts.state.all()].filter(alert => alert.rule !== this.#chosen || alert.id === current?.id);
    const next = nextFiring(others, current?.id ?? null);
    if (next) this.go(next.rule);
  }

  /** Goes to a rule: its row is chosen and has the focus. Where its text hides the table it opens in its place. */
  go(rule: string): void {
    const link = this.#table.reveal(rule);
    if (!link) return;
    if (link.getClientRects().length > 0) {
      link.focus({ preventScroll: true });
      link.scrollIntoView({ block: 'nearest' });
      // The focus may have been there while another rule was chosen.
      this.#focused(rule);
    } else {
      location.hash = hashOf(rule);
    }
  }

  ack(): void {
    this.#settled();
    this.#pane.ack(this.#opener('[data-ack]'));
  }

  silence(): void {
    this.#settled();
    this.#pane.silence(this.#opener('[data-silence]'));
  }

  /** Gives what a key was pressed on: what has the focus in the rule, or the chosen row, or the button that does the same. */
  #opener(button: string): HTMLElement {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && need('#rule', this.#main).contains(activeElement)) return activeElement;
    const link = this.#table.linkOf(this.#chosen ?? '');
    return link && link.getClientRects().length > 0 ? link : need(button, this.#main);
  }

  /** A row got the focus: it is the chosen one at once, its rule opens beside the table when the hand rests. */
  #focused(rule: string): void {
    if (rule === this.#chosen) return;
    this.#chosen = rule;
    this.#table.current(rule);
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#settled(), SETTLE_MS);
  }

  /** Opens the chosen rule now, where there is room for it. */
  #settled(): void {
    clearTimeout(this.#settle);
    this.#settle = undefined;
    if (this.#chosen !== null && window.matchMedia(WIDE).matches && ruleInHash(location.hash) !== this.#chosen) history.replaceState(null, '', hashOf(this.#chosen));
    this.#open();
  }

  #write(): void {
    const { state, now } = this.#parts;
    if (!state.known) return;
    this.#main.removeAttribute('aria-busy');
    this.#table.update();
    if (this.#chosen === null && window.matchMedia(WIDE).matches) this.#chosen = this.#table.shown[0]?.rule.id ?? null;
    this.#open();
    this.#silences.write(state.silences.values(), now());
    const filed = JSON.stringify([state.file, state.rules.size, state.more]);
    if (filed !== this.#filed) this.#foot.replaceChildren(...moreWords(state.more, this.#parts.texts), ...fileWords(state.file, state.rules.size, now(), this.#parts.texts));
    this.#filed = filed;
    this.#table.draw(null);
  }

  #values(): void {
    if (document.hidden || !this.#parts.state.known) return;
    this.#table.values();
    this.#open();
  }

  #hashed(): void {
    if (!/^(#rule=|#?$)/.test(location.hash)) return;
    clearTimeout(this.#settle);
    this.#chosen = ruleInHash(location.hash);
    if (this.#chosen === null && window.matchMedia(WIDE).matches) this.#chosen = this.#table.shown[0]?.rule.id ?? null;
    this.#open();
    if (window.matchMedia(WIDE).matches) return;
    if (this.#chosen === null) this.#table.linkOf(this.#pane.rule ?? '')?.focus();
    else window.scrollTo({ top: 0 });
  }

  #open(): void {
    const row: RuleRow | null = this.#table.rows.find(one => one.rule.id === this.#chosen) ?? null;
    this.#main.toggleAttribute('data-open', row !== null && ruleInHash(location.hash) !== null);
    this.#table.current(row?.rule.id ?? null);
    this.#pane.show(row);
    this.#nothing.hidden = row !== null;
    write(this.#nothing, this.#parts.state.rules.size === 0 ? '' : this.#parts.texts.alerts.side.nothing);
  }
}
