// Wires what stands around the panels: top bar, room, keys, notices. A page without a room leaves most of it out.
import type { Alerts } from './alerts/start';
import type { Boot } from './boot';
import type { LinkState, Outage } from './live/link';
import type { Board } from './page/board';
import { need } from './page/dom';
import { Fold } from './page/fold';
import { Keys } from './page/keys';
import { LivePill } from './page/livepill';
import { Notices } from './page/notices';
import { PanelMore } from './page/panelmore';
import { EXPLORE, followNotices, startDialogs, startPlain } from './plain';
import { PUSHED, PushedRoom } from './page/pushed';
import type { Stage } from './page/stage';
import { TimeBar } from './page/timebar';
import { Walk } from './page/walk';
import { jumpTo, pinAt } from './room/moment';
import { Talk } from './room/talk';
import type { ServerPage } from './server/page';

export interface Wiring {
  readonly boot: Boot;
  readonly stage: Stage;
  readonly board: Board;
  readonly alerts: Alerts;
  /** Null but on the page of the server. */
  readonly server: ServerPage | null;
  readonly linkWatchers: ((state: LinkState) => void)[];
  readonly outageWatchers: ((outage: Outage) => void)[];
}

const CROSSHAIR_MS = 1000;

export function startRoom(wiring: Wiring): void {
  const { boot, stage, board } = wiring;
  const { texts, link, crosshair } = stage.parts;
  const rest = { boot, stage, alerts: wiring.alerts, linkWatchers: wiring.linkWatchers };
  if (!boot.room) {
    const { server } = wiring;
    startPlain(rest, server ? { panel: by => server.step(by), escape: () => server.close() } : {});
    return;
  }

  const walk = new Walk(need('main'));
  const { finder, keys } = startDialogs(rest, { kind: 'panel', all: () => board.panels.map(view => view.panel), go: id => walk.to(id) });
  const fold = new Fold(document, texts);
  const talk = new Talk({
    root: document, room: boot.room, stage, fold, person: wiring.alerts.person, alerts: wiring.alerts.state, actions: wiring.alerts.actions,
    panelTitle: id => board.panels.find(view => view.panel.id === id)?.panel.title ?? null,
    jump: pin => jumpTo(pin, stage, walk, fold),
    later: (ms, act) => void setTimeout(act, ms),
  });
  const { log } = talk;
  const pill = new LivePill(document, stage, log, { node: boot.node, version: boot.version, panels: () => board.panels.length });
  const bar = new TimeBar(document, stage);
  const more = new PanelMore(document, id => walk.full(id));
  const pushed = new PushedRoom(link, board, document.querySelector('#first-push'), panels => {
    for (const panel of panels) log.add('g-ok', texts.room.newPanel(panel.title), Date.now());
  });
  const isPushed = boot.room.id === PUSHED;
  const notices = new Notices(need('.notices'), texts, log, {
    tryNow: () => link.tryNow(), room: boot.room.id, node: boot.node, pushed: () => { if (isPushed) pushed.look(); },
  });
  stage.onMore = (panel, button) => more.open(panel, button);
  stage.parts.pins.changed = () => board.redraw();
  talk.start();
  followNotices(link, notices);

  let slowed: number | null = null;
  wiring.linkWatchers.push(state => {
    notices.link(state);
    pill.say();
    if (state.kind === 'live' && isPushed) pushed.look();
    const now = state.kind === 'live' ? state.slowed?.step ?? null : null;
    if (now !== slowed && state.kind === 'live') log.add('g-none', now === null ? texts.room.unslowed : texts.room.slowed(`${now / 1000} ${texts.units.s}`), Date.now());
    slowed = now;
  });
  wiring.outageWatchers.push(outage => log.outage(outage));
  pill.start();
  bar.start();
  fold.start();
  new Keys({
    find: () => finder.open(), help: () => keys.showModal(), explore: EXPLORE, pause: () => bar.pause(), live: () => stage.act({ kind: 'live' }),
    range: by => stage.act({ kind: 'range', range: stage.view.range + by }),
    crosshair: by => crosshair.move(Math.min(stage.edge, (crosshair.time ?? stage.edge) + by * CROSSHAIR_MS), null),
    panel: by => walk.step(by), full: () => walk.full(null), fold: () => fold.toggle(),
    write: () => talk.write(null), comment: () => talk.write(pinAt(stage, walk, board)),
    escape: () => { if (!walk.back()) crosshair.move(null, null); }, ...wiring.alerts.keys,
  }).start();
}
