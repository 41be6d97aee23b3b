// Alerts on the panels of a room: marks on their heads, bands on their plots.
import type { Panel } from '../boot';
import type { Board } from '../page/board';
import { PUSHED } from '../page/pushed';
import type { Stage } from '../page/stage';
import type { AlertView } from '../wire/alert';
import type { RuleView } from '../wire/rule';
import { bandsOf, type Band } from './bands';
import { Episodes } from './episodes';
import { Gather } from './gather';
import { limitLines, MeasuredRules, type LimitLine } from './limitlines';
import { PanelMark } from './panelmark';
import { isLive, worstFirst } from './rank';
import type { AlertState } from './state';

/** How often lengths of time are written, ms. */
const WRITE_EVERY_MS = 1_000;
/** A storm of transitions is written no more often than this, ms. */
const WRITE_AFTER_MS = 50;

/** How long changes are gathered before plots are drawn for them, ms. */
const REDRAW_AFTER_MS = 250;

/** Up to this width firing panels stand first when the page opens. */
const PHONE_PX = 480;

export class RoomPanels {
  readonly #stage: Stage;
  readonly #board: Board;
  readonly #room: string;
  readonly #state: AlertState;
  readonly #show: (alert: AlertView) => boolean;
  readonly #episodes: Episodes;
  readonly #marks = new Map<string, PanelMark>();
  readonly #gather = new Gather(WRITE_AFTER_MS, () => this.#changed());
  /** Alerts as the plots were drawn with them. */
  #drawn = new Map<string, AlertView>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #redraw: ReturnType<typeof setTimeout> | undefined;
  #placed = false;
  /** Rules by what they measure, of the set that they were made of. */
  #measured: { readonly of: ReadonlyMap<string, RuleView>; readonly rules: MeasuredRules } | null = null;

  constructor(stage: Stage, board: Board, room: string, state: AlertState, show: (alert: AlertView) => boolean) {
    this.#stage = stage;
    this.#board = board;
    this.#room = room;
    this.#state = state;
    this.#show = show;
    const { link, serverTime } = stage.parts;
    this.#episodes = new Episodes((method, request) => link.call(method, request), () => board.redraw(), () => serverTime.now());
  }

  start(): void {
    this.#stage.bandsOf = (panel, from, to) => this.#bands(panel, from, to);
    this.#stage.limitsOf = panel => this.#limits(panel);
    this.#state.watch(changed => { if (changed === 'facts') this.#gather.ask(); });
    this.#timer = setInterval(() => this.#write(), WRITE_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#redraw);
    this.#gather.stop();
    this.#stage.bandsOf = () => [];
    this.#stage.limitsOf = () => [];
  }

  /** The link was lost for a while: what ended meanwhile must be asked for. */
  restored(): void {
    this.#episodes.forget();
    this.#board.redraw();
  }

  /** Gives the section of the first panel that an alert is drawn on, a stat only where there is no other; or null. */
  sectionOf(alert: AlertView): HTMLElement | null {
    const panels = alert.panels.get(this.#room) ?? [];
    const views = this.#board.panels.filter(view => panels.includes(view.panel.id));
    return (views.find(view => view.panel.kind !== 'stat') ?? views[0])?.section ?? null;
  }

  /** Gives the live alerts of the panel of an element, the worst first; null when it is in none. */
  alertsAt(element: Element | null): readonly AlertView[] | null {
    const panel = element?.closest<HTMLElement>('[data-panel]')?.dataset['panel'];
    if (panel === undefined) return null;
    return [...this.#state.all()].filter(alert => isLive(alert) && !alert.inhibited && (alert.panels.get(this.#room) ?? []).includes(panel)).sort(worstFirst);
  }

  #changed(): void {
    this.#remember();
    this.#write();
    this.#place();
    this.#redrawSoon();
  }

  /** Bands follow within a moment: a storm of transitions must not draw all panels at each of them. */
  #redrawSoon(): void {
    this.#redraw ??= setTimeout(() => {
      this.#redraw = undefined;
      this.#redrawChanged();
    }, REDRAW_AFTER_MS);
  }

  /** Keeps what ended: what was told as such, and what waited and is gone without a word. */
  #remember(): void {
    this.#episodes.remember(this.#state.all());
    const now = this.#stage.parts.serverTime.now();
    for (const alert of this.#drawn.values()) {
      if (isLive(alert) && this.#state.get(alert.id) === undefined) this.#episodes.remember([{ ...alert, state: alert.fired === null ? 'cleared' : 'resolved', resolved: now }]);
    }
  }

  /** Draws the panels of alerts that are new, gone, or other than they were. */
  #redrawChanged(): void {
    const now = new Map([...this.#state.all()].map(alert => [alert.id, alert]));
    const other = [...now.values()].filter(alert => this.#drawn.get(alert.id) !== alert);
    const gone = [...this.#drawn.values()].filter(alert => !now.has(alert.id));
    this.#drawn = now;
    const panels = new Set([...other, ...gone].flatMap(alert => alert.panels.get(this.#room) ?? []));
    for (const view of this.#board.panels) if (panels.has(view.panel.id)) view.changed();
  }

  #write(): void {
    const now = this.#stage.parts.serverTime.now();
    const byPanel = new Map<string, AlertView[]>();
    for (const alert of this.#state.all()) {
      if (!isLive(alert)) continue;
      for (const panel of alert.panels.get(this.#room) ?? []) {
        const there = byPanel.get(panel);
        if (there) there.push(alert);
        else byPanel.set(panel, [alert]);
      }
    }
    for (const view of this.#board.panels) {
      const { id } = view.panel;
      const alerts = byPanel.get(id);
      if (!alerts && !this.#marks.has(id)) continue;
      const mark = this.#marks.get(id) ?? new PanelMark(view.section, this.#stage.parts.texts, this.#show);
      this.#marks.set(id, mark);
      mark.mark(alerts ?? [], this.#state.silences, now);
    }
  }

  /** On a phone what fires comes first, decided once: an operator remembers where things are. */
  #place(): void {
    if (this.#placed || !this.#state.known) return;
    this.#placed = true;
    if (window.innerWidth > PHONE_PX || window.scrollY > 0) return;
    for (const view of this.#board.panels) view.section.classList.toggle('is-first', view.section.classList.contains('is-firing'));
  }

  #limits(panel: Panel): readonly LimitLine[] {
    const { rules } = this.#state;
    if (this.#measured?.of !== rules) this.#measured = { of: rules, rules: new MeasuredRules(rules.values()) };
    return limitLines(this.#measured.rules.of(panel, this.#room === PUSHED), this.#state.all());
  }

  #bands(panel: string, from: number, to: number): readonly Band[] {
    const now = Math.min(this.#stage.parts.serverTime.now(), Math.max(to, this.#stage.edge));
    const isHere = (alert: AlertView): boolean => (alert.panels.get(this.#room) ?? []).includes(panel);
    const live = [...this.#state.all()].filter(alert => isLive(alert) && isHere(alert));
    const past = [...this.#episodes.during(from, to)].filter(alert => !isLive(alert) && alert.since < to && isHere(alert));
    return live.length === 0 && past.length === 0 ? [] : bandsOf([...past, ...live], now, from, to);
  }
}
