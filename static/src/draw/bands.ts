// When alerts were pending or fired, on a plot: a strip over it, and a shade down to the axis. Pending is hatched.
import type { Band } from '../alerts/bands';
import { PLOT, plotBottom, plotRight, xOf, type Area } from './geometry';
import type { Ink } from './ink';

const STRIP_PX = 3;
const SHADE = 0.13;
const HATCH = 0.5;
/** The strip of a pending alert is broken, as the rule on its panel is. */
const DASH = [8, 4];

function inkOf(band: Band): string {
  return band.severity === 'critical' && band.kind === 'firing' ? 'critical' : 'warning-mark';
}

/** Draws bands under what is drawn next; `strip` leaves the shade out where cells would cover it. */
export function drawBands(g: CanvasRenderingContext2D, area: Area, bands: readonly Band[], ink: Ink, strip: boolean): void {
  const height = plotBottom(area) - PLOT.top;
  for (const band of bands) {
    const from = Math.max(PLOT.left, xOf(area, band.from));
    const width = Math.max(1, Math.min(plotRight(area), xOf(area, band.to)) - from);
    if (from > plotRight(area) || xOf(area, band.to) < PLOT.left) continue;
    const name = inkOf(band);
    if (!strip) {
      g.fillStyle = ink.faded(name, SHADE);
      g.fillRect(from, PLOT.top, width, height);
      if (band.kind === 'pending') {
        g.fillStyle = ink.hatch(name, g, HATCH);
        g.fillRect(from, PLOT.top, width, height);
      }
    }
    g.save();
    if (band.kind === 'pending') g.setLineDash(DASH);
    g.strokeStyle = ink.of(name);
    g.lineWidth = STRIP_PX;
    g.beginPath();
    g.moveTo(from, PLOT.top - STRIP_PX / 2);
    g.lineTo(from + width, PLOT.top - STRIP_PX / 2);
    g.stroke();
    g.restore();
  }
}
