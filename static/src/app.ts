// The page: reads what it was sent with, wires its parts, and starts them.
import { startAlerts } from './alerts/start';
import { parseBoot, type Boot } from './boot';
import { windowFor } from './data/view';
import { frameOf } from './frame';
import { Board } from './page/board';
import { startCopying } from './page/copy';
import { readChoice } from './page/choice';
import { need, takeSprite } from './page/dom';
import { ThemeButton } from './page/theme';
import { startRoom } from './room';
import { probeOf } from './probe';
import { startServer } from './server/start';

function start(boot: Boot): void {
  const ranges = { all: boot.ranges, first: chosenRange(boot), window: (step: number) => windowFor(step, boot.ranges), keeps: true };
  const { stage, linkWatchers, outageWatchers } = frameOf(boot, ranges, { arrived: () => board.redrawLate(), redraw: () => board.redraw() });
  const { texts, link } = stage.parts;
  const board = new Board(stage, need('main'), boot.top);

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

start(parseBoot(need('#boot').textContent ?? '{}'));
