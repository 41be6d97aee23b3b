// From the crosshair to a pin, and from a pin back to the crosshair.
import type { Board } from '../page/board';
import type { Fold } from '../page/fold';
import type { Stage } from '../page/stage';
import type { Walk } from '../page/walk';
import type { AlertView } from '../wire/alert';
import type { Pin } from './event';

const NARROW = '(max-width: 1023px)';

/** Kinds of panels that a moment can be seen in. */
const CHARTS: ReadonlySet<string> = new Set(['line', 'stack', 'mirror', 'heat']);

/** Gives the crosshair's moment and panel: the one that the pointer is in, that has the focus, or the first in sight. Null without a crosshair. */
export function pinAt(stage: Stage, walk: Walk, board: Board): Pin | null {
  const { time, owner } = stage.parts.crosshair;
  if (time === null) return null;
  const charts = board.panels.filter(view => CHARTS.has(view.panel.kind));
  const focused = walk.current?.dataset['panel'];
  const panel = owner ?? charts.find(view => view.panel.id === focused)?.panel.id ?? charts.find(view => view.seen)?.panel.id;
  return panel === undefined ? null : { panel, time };
}

/** Gives the moment when an alert fired, in the first panel of this room that reads it; null where there is none. */
export function pinOfAlert(alert: AlertView, room: string, panelTitle: (id: string) => string | null): Pin | null {
  const panel = alert.panels.get(room)?.find(id => panelTitle(id) !== null);
  return panel === undefined || alert.fired === null ? null : { panel, time: alert.fired };
}

/** Shows a moment: its panel comes into view, and the range moves there when it is elsewhere. */
export function jumpTo(pin: Pin, stage: Stage, walk: Walk, fold: Fold): void {
  const { from, to } = stage.span;
  if (pin.time < from || pin.time > to) {
    const half = (to - from) / 2;
    stage.act({ kind: 'zoom', from: pin.time - half, to: pin.time + half });
  }
  if (fold.open && matchMedia(NARROW).matches) fold.toggle();
  walk.to(pin.panel);
  stage.parts.crosshair.move(pin.time, pin.panel);
}
