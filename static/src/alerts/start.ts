// Wires alerts into a page: what is known of them, what can be done, and where all pages say that something fires.
import type { Boot } from '../boot';
import type { Board } from '../page/board';
import { need } from '../page/dom';
import type { Places } from '../page/finder';
import type { KeyActs } from '../page/keys';
import { Person } from '../page/person';
import type { Stage } from '../page/stage';
import type { AlertView } from '../wire/alert';
import { Announcer } from './announcer';
import { Beacon } from './beacon';
import { Chosen } from './chosen';
import { Doing } from './doing';
import { FileNotice } from './filenotice';
import { Gather } from './gather';
import { NavCounts } from './navcounts';
import { AlertsPage } from './page';
import { hrefOf } from './panelmark';
import { countsOf, isLive, loudOf } from './rank';
import { RoomPanels } from './roompanels';
import { AlertState } from './state';
import { Tone } from './tone';

/** A storm of transitions is said no more often than this, ms. */
const SAY_AFTER_MS = 50;

/** From this width on the room is open, unless it was folded. */
const ROOM_OPEN = '(min-width: 1024px)';

/** What the rest of the page needs of alerts. */
export interface Alerts {
  readonly state: AlertState;
  readonly actions: Doing;
  readonly person: Person;
  /** Keys of this page that are about alerts. */
  readonly keys: Pick<KeyActs, 'next' | 'ack' | 'silence' | 'panel'>;
  /** What can be found where there are no panels: rules, by their names. */
  readonly places: Places;
  /** The link was lost and is back. */
  restored(): void;
  /** The theme changed. */
  newInk(): void;
}

/** Gives the card of an alert in the room's time line, or null when there is none, or the room is folded. */
function cardOf(alert: AlertView): HTMLElement | null {
  const { room } = document.documentElement.dataset;
  const isOpen = room === undefined ? window.matchMedia(ROOM_OPEN).matches : room === 'open';
  return !isOpen ? null : document.getElementById(`alert-${alert.id}`);
}

export function startAlerts(boot: Boot, stage: Stage, board: Board): Alerts {
  const { texts, link, serverTime, ink } = stage.parts;
  const state = new AlertState();
  const person = new Person(texts);
  const now = (): number => serverTime.now();
  const call = (method: string, request: unknown): Promise<unknown> =>
    (link.state.kind === 'live' ? link.call(method, request) : Promise.reject(new Error(texts.alerts.notConnected)));
  const fallback = (): HTMLElement => document.querySelector<HTMLElement>('.top-nav a') ?? need('.brand');
  const actions = new Doing({ texts, state, person, room: boot.room?.id ?? null, call, now, fallback });
  const main = document.querySelector('main.alerts');
  const page = main === null ? null
    : new AlertsPage(document, { texts, state, doing: actions, ink, call, now, titles: new Map(boot.rooms.map(room => [room.id, room.title])) });
  const room = boot.room?.id ?? null;
  const panels: RoomPanels | null = room === null ? null : new RoomPanels(stage, board, room, state, alert => chosen.show(alert));
  const chosen = new Chosen({
    state, actions,
    isHere: alert => room !== null && (alert.panels.has(room) || alert.rooms.includes(room)),
    focused: () => focusedAlerts(state, panels),
    show: alert => showAlert(alert, panels),
    leave: alert => location.assign(hrefOf(alert.rule)),
    openerOf: alert => panels?.sectionOf(alert)?.querySelector<HTMLElement>('[data-alert-chip]') ?? cardOf(alert) ?? fallback(),
  });

  person.introduce(link);
  sayEverywhere(state, stage, room === null ? document.querySelector('[data-announce]') : null);
  panels?.start();
  page?.start();
  state.start(link, page !== null);
  return {
    state, actions, person,
    keys: page ? { next: () => page.next(), ack: () => page.ack(), silence: () => page.silence(), panel: by => page.step(by) }
      : { next: () => chosen.next(), ack: () => chosen.ack(), silence: () => chosen.silence() },
    places: { kind: 'rule', all: () => [...state.rules.values()].map(rule => ({ id: rule.id, title: rule.name })), go: id => (page ? page.go(id) : location.assign(hrefOf(id))) },
    restored: () => panels?.restored(),
    newInk: () => page?.newInk(),
  };
}

/** Gives the live alerts of the card or the panel that has the focus, or null when neither has. */
function focusedAlerts(state: AlertState, panels: RoomPanels | null): readonly AlertView[] | null {
  const at = document.activeElement;
  const card = at?.closest('[id^="alert-"]')?.id.slice('alert-'.length);
  const alert = card === undefined ? undefined : state.get(card);
  return alert && isLive(alert) ? [alert] : panels?.alertsAt(at) ?? null;
}

/** Brings an alert's panel and its card into view, or opens its rule where there is neither; tells whether a card is seen. */
function showAlert(alert: AlertView, panels: RoomPanels | null): boolean {
  const [section, card] = [panels?.sectionOf(alert) ?? null, cardOf(alert)];
  card?.scrollIntoView({ block: 'nearest' });
  section?.scrollIntoView({ block: 'nearest' });
  const target = section ?? card;
  if (target && target.tabIndex < 0) target.tabIndex = -1;
  target?.focus({ preventScroll: true });
  if (!target) location.assign(hrefOf(alert.rule));
  return card !== null;
}

/** `region` is read out; a room's time line announces by itself. */
function sayEverywhere(state: AlertState, stage: Stage, region: Element | null): void {
  const { texts } = stage.parts;
  const beacon = new Beacon(document);
  const counts = new NavCounts(document, texts);
  const tone = new Tone(document);
  const announcer = new Announcer(region, tone, texts);
  const box = document.querySelector<HTMLElement>('.notices');
  const notice = box ? new FileNotice(box, texts) : null;
  tone.start();
  const gather = new Gather(SAY_AFTER_MS, () => {
    beacon.show(loudOf(state.all()));
    counts.show(countsOf(state.all()), [...state.rules.values()].filter(rule => rule.state === 'error').length);
    announcer.read(state.all());
    notice?.show(state.file);
  });
  state.watch(changed => { if (changed === 'facts') gather.ask(); });
}
