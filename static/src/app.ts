// The page: reads what it was sent with, wires its parts, and starts them.
import { startAlerts } from './alerts/start';
import { parseBoot, type Boot } from './boot';
import { DrawQueue } from './draw/queue';
import { Ink } from './draw/ink';
import { Feeds } from './live/feeds';
import { Link } from './live/link';
import { Pulse } from './live/pulse';
import { ServerTime } from './live/servertime';
import { Board } from './page/board';
import { startCopying } from './page/copy';
import { readChoice } from './page/choice';
import { Crosshair } from './page/crosshair';
import { need, takeSprite } from './page/dom';
import { Stage } from './page/stage';
import { ThemeButton } from './page/theme';
import { startRoom } from './room';
import { PinBoard } from './room/pins';
import { probeOf } from './probe';
import { startServer } from './server/start';
import { textsOf } from './texts/texts';

function start(boot: Boot): void {
  const texts = textsOf(boot.lang);
  const frame = (callback: () => void): void => void requestAnimationFrame(callback);
  const now = (): number => Date.now();
  const linkWatchers: ((state: Link['state']) => void)[] = [];
  const outageWatchers: ((outage: { from: number; to: number }) => void)[] = [];

  const link: Link = new Link(socketAddress(boot.socket), {
    changed: state => linkWatchers.forEach(watcher => watcher(state)),
    restored: outage => outageWatchers.forEach(watcher => watcher(outage)),
  }, now);
  const serverTime = new ServerTime(() => link.call('time', {}), now, boot.now);
  const pulse = new Pulse(() => serverTime.now());
  const queue = new DrawQueue(() => document.hidden, () => performance.now(), frame, () => pulse.drawn());
  const meter = { arrived: (newest: number, values: number) => { pulse.arrived(newest, values); board.redrawLate(); } };
  const stage = new Stage({
    texts, ink: new Ink(document), queue, link, feeds: new Feeds(link, meter, boot.ranges), pulse, serverTime,
    crosshair: new Crosshair(frame), pins: new PinBoard(), ranges: boot.ranges,
  }, chosenRange(boot));
  const board = new Board(stage, need('main'), boot.top);

  linkWatchers.push(state => {
    if (state.kind === 'live') serverTime.start();
    else serverTime.stop();
    pulse.reset();
    board.redraw();
  });
  document.addEventListener('visibilitychange', () => board.redraw());
  new ThemeButton(document, texts, () => {
    board.newInk();
    alerts.newInk();
    server?.newInk();
  }).start();
  startCopying(document, texts.copied);
  board.start(boot.panels);
  const alerts = startAlerts(boot, stage, board);
  outageWatchers.push(() => alerts.restored());
  const server = startServer(stage);
  linkWatchers.push(() => server?.linked());
  startRoom({ boot, stage, board, alerts, server, linkWatchers, outageWatchers });
  window.watchroom = Object.freeze(probeOf(stage, board));
  link.start();
  takeSprite().catch(() => undefined);
}

/** The range that was chosen on this device, or the one that the server thinks right. */
function chosenRange(boot: Boot): number {
  const chosen = boot.ranges.findIndex(range => range.id === readChoice('range'));
  return chosen < 0 ? boot.range : chosen;
}

function socketAddress(path: string): string {
  const address = new URL(path, location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}

start(parseBoot(need('#boot').textContent ?? '{}'));
