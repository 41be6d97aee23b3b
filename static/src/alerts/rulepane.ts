// One rule, opened: its state in a sentence, what can be done, its text, its past, its alerts.
import { oneLine, shown } from '../data/names';
import { clock, duration } from '../format/time';
import { el, icon, need, write } from '../page/dom';
import { Tabs } from '../page/tabs';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import { AlertList } from './alertlist';
import type { Doing } from './doing';
import { PastList } from './past';
import { safeHref, ruleText } from './ruletext';
import type { RuleRow } from './rulerows';
import { ruleMark } from './rulewords';
import type { AlertState } from './state';
import { minute } from './words';

export interface PaneParts {
  readonly texts: Texts;
  readonly state: AlertState;
  readonly doing: Doing;
  readonly call: (method: string, request: unknown) => Promise<unknown>;
  readonly now: () => number;
  readonly titles: ReadonlyMap<string, string>;
  /** The past of a rule was read. */
  readonly pastRead: (episodes: readonly AlertView[]) => void;
}

/** Says how a rule stands, in a sentence or two. */
export function ruleSentence(row: RuleRow, now: number, texts: Texts): string {
  const { side } = texts.alerts;
  const firing = row.live.filter(alert => alert.state === 'firing' && alert.silences.length === 0 && !alert.inhibited);
  const [first] = firing;
  if (first && row.kind === 'firing') {
    const since = Math.min(...firing.map(alert => alert.fired ?? alert.since));
    const acked = firing.every(alert => alert.ack !== null) ? side.acked(shown(first.ack?.by.name ?? '')) : firing.length === 1 ? side.unacked : '';
    return `${side.firing(duration(now - since, texts.units), firing.length)} ${acked}`.trim();
  }
  const [worst] = row.live;
  if (row.kind === 'pending' && worst) return side.pending(clock(worst.since + worst.for));
  if (row.kind === 'silenced') return side.silenced;
  if (row.kind === 'error') return oneLine(row.rule.error ?? texts.alerts.error);
  if (row.kind === 'nodata') return side.noData;
  return row.rule.changed === null ? side.always : side.fine(minute(row.rule.changed, now, texts));
}

export class RulePane {
  readonly #root: HTMLElement;
  readonly #parts: PaneParts;
  readonly #name: HTMLElement;
  readonly #says: HTMLElement;
  readonly #runbook: HTMLAnchorElement;
  readonly #ack: HTMLButtonElement;
  readonly #silence: HTMLButtonElement;
  readonly #text: HTMLElement;
  readonly #tabs: Tabs;
  readonly #past: PastList;
  readonly #alerts: AlertList;
  #row: RuleRow | null = null;
  /** What the pane of text was made from, and what the past was asked for. */
  #texted = '';
  #pasted = '';

  constructor(root: HTMLElement, parts: PaneParts) {
    const { texts } = parts;
    this.#root = root;
    this.#parts = parts;
    this.#name = need('#rule-name', root);
    this.#says = need('[data-says]', root);
    this.#runbook = need<HTMLAnchorElement>('[data-runbook]', root);
    this.#ack = need<HTMLButtonElement>('[data-ack]', root);
    this.#silence = need<HTMLButtonElement>('[data-silence]', root);
    this.#text = need('#t-text', root);
    this.#tabs = new Tabs(need('[role="tablist"]', root), () => this.#opened());
    this.#past = new PastList(need('#t-past', root), texts, parts.call, parts.now, parts.pastRead);
    this.#alerts = new AlertList(need('#t-alerts', root), texts, parts.doing);
    this.#ack.addEventListener('click', () => {
      const only = this.#only();
      if (only?.ack) parts.doing.unack(only, this.#ack);
      else this.ack(this.#ack);
    });
    this.#silence.addEventListener('click', () => this.silence(this.#silence));
  }

  get rule(): string | null {
    return this.#row?.rule.id ?? null;
  }

  /** Shows a rule, or that none is chosen. */
  show(row: RuleRow | null): void {
    const other = row?.rule.id !== this.#row?.rule.id;
    this.#row = row;
    this.#root.hidden = row === null;
    if (!row) return;
    const { texts, state, now, titles } = this.#parts;
    if (other) {
      this.#pasted = '';
      this.#tabs.choose(row.live.length > 0 ? 't-alerts' : 't-text');
    }
    const time = now();
    const mark = ruleMark(row, time, texts);
    if (other || this.#name.dataset['mark'] !== `${mark.glyph} ${row.rule.name}`) {
      this.#name.dataset['mark'] = `${mark.glyph} ${row.rule.name}`;
      const glyph = icon(mark.glyph);
      glyph.classList.add(mark.tone);
      this.#name.replaceChildren(glyph, el('span', {}, shown(row.rule.name)));
    }
    write(this.#says, ruleSentence(row, time, texts));
    this.#act(row);
    const path = state.file?.path ?? 'alerts.toml';
    const texted = JSON.stringify([row.rule.id, row.rule.text, row.rule.description, row.rule.error, row.rule.notes, row.rule.line, path]);
    if (texted !== this.#texted) this.#text.replaceChildren(...ruleText(row.rule, path, titles, texts));
    this.#texted = texted;
    const alerts = [...state.all()].filter(alert => alert.rule === row.rule.id && !alert.inhibited);
    this.#alerts.write(alerts, state.silences, id => state.valueOf(id), time);
    this.#opened();
  }

  /** Acks the alert that is meant: the one whose line has the focus, or the worst that nobody acked. */
  ack(opener: HTMLElement): void {
    const open = this.#atFocus() ?? this.#row?.live.find(alert => alert.ack === null && alert.silences.length === 0 && !alert.inhibited) ?? this.#row?.live[0];
    if (open) this.#parts.doing.ack(open, opener);
  }

  /** Silences the alert whose line has the focus, the only one, or all of the rule. */
  silence(opener: HTMLElement): void {
    const row = this.#row;
    if (!row) return;
    const only = this.#atFocus() ?? this.#only();
    if (only) this.#parts.doing.silence(only, opener);
    else this.#parts.doing.silenceMatching(row.rule.name, [{ name: 'alertname', op: '=', value: row.rule.name }], opener);
  }

  /** The live alert whose line has the focus, or null. */
  #atFocus(): AlertView | null {
    const id = document.activeElement?.closest<HTMLElement>('#t-alerts [data-alert]')?.dataset['alert'];
    return this.#row?.live.find(alert => alert.id === id) ?? null;
  }

  /** The alert that the buttons mean, when there is one alone. */
  #only(): AlertView | null {
    const heard = this.#row?.live.filter(alert => !alert.inhibited) ?? [];
    return heard.length === 1 ? heard[0] ?? null : null;
  }

  #act(row: RuleRow): void {
    const { alerts: words } = this.#parts.texts;
    const only = this.#only();
    this.#ack.hidden = only === null;
    this.#ack.classList.toggle('btn-primary', only?.state === 'firing' && only.ack === null && only.silences.length === 0);
    write(this.#ack, only?.ack ? words.unack : words.ack);
    this.#silence.hidden = only !== null && only.silences.length > 0;
    write(this.#silence, only === null && row.live.length > 0 ? words.silenceAll : words.silence);
    const href = safeHref(row.rule.runbook);
    this.#runbook.hidden = href === null;
    if (href !== null) this.#runbook.href = href;
  }

  /** Asks for the past when its tab is seen, and again when an alert began or ended. */
  #opened(): void {
    const row = this.#row;
    if (!row || this.#tabs.chosen !== 't-past') return;
    const pasted = `${row.rule.id} ${row.rule.changed ?? 0} ${row.live.map(alert => `${alert.id}${alert.state}`).join()}`;
    if (pasted === this.#pasted) return;
    this.#pasted = pasted;
    void this.#past.show(row.rule.id);
  }
}
