// The page of queries: an entry of its own, because its editor is larger than all of the other pages' script.
import { startAlerts } from './alerts/start';
import { parseBoot, type Boot } from './boot';
import { ExplorePage } from './explore/page';
import { Steps } from './explore/steps';
import { frameOf } from './frame';
import { Board } from './page/board';
import { startCopying } from './page/copy';
import { need, takeSprite } from './page/dom';
import { LivePill } from './page/livepill';
import { SessionLog } from './page/sessionlog';
import { ThemeButton } from './page/theme';
import { TimeBar } from './page/timebar';
import { startPlain } from './plain';
import { probeOf } from './probe';

const CROSSHAIR_MS = 1000;

function start(boot: Boot): void {
  const steps = new Steps(boot.ranges);
  const length = (): number => stage.span.to - stage.span.from;
  const frame = frameOf(boot, { all: steps.ranges, first: boot.range, window: length, keeps: false }, { arrived: () => page.graph.redrawLate(), redraw: () => page.graph.redraw() });
  const { stage, linkWatchers, outageWatchers } = frame;
  const { texts, link, crosshair, ink } = stage.parts;
  // There are no panels of a dashboard here; what is known of alerts asks for their board all the same.
  const board = new Board(stage, need('main'), boot.top);
  const page = new ExplorePage(document, stage, steps);
  const alerts = startAlerts(boot, stage, board);
  const log = new SessionLog(texts, () => undefined);
  const pill = new LivePill(document, stage, log, { node: boot.node, version: boot.version, panels: () => (page.graph.graph ? 1 : 0) });
  const bar = new TimeBar(document, stage);

  outageWatchers.push(outage => log.outage(outage));
  linkWatchers.push(() => {
    pill.say();
    page.linked();
  });
  new ThemeButton(document, texts, () => {
    ink.forget();
    page.graph.redraw();
  }).start();
  startCopying(document, texts.copied);
  pill.start();
  bar.start();
  startPlain({ boot, stage, alerts, linkWatchers }, {
    pause: () => bar.pause(), live: () => stage.act({ kind: 'live' }), range: by => stage.act({ kind: 'range', range: stage.view.range + by }),
    crosshair: by => crosshair.move(Math.min(stage.edge, (crosshair.time ?? stage.edge) + by * CROSSHAIR_MS), null),
    write: () => page.focus(), escape: () => { if (!page.close()) crosshair.move(null, null); },
  });
  page.start();
  window.watchroom = Object.freeze(probeOf(stage, { get panels() { return page.graph.graph ? [page.graph.graph] : []; } }));
  link.start();
  takeSprite().catch(() => undefined);
}

start(parseBoot(need('#boot').textContent ?? '{}'));
