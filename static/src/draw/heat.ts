// A heat strip: one row for each series, time to the right, one hue from nothing to full.
import type { Gap } from '../data/gaps';
import { drawGaps, drawTimes } from './axes';
import { openCanvas, PLOT, plotBottom, plotRight, xOf, type Area } from './geometry';
import type { Ink } from './ink';

const CELL_PX = 4;
const SHADES = 48;
const STOPS = 6;

export interface HeatModel {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly max: number;
  readonly rows: readonly string[];
  readonly gaps: readonly Gap[];
  /** Gives the value of a row at step k, NaN for none. */
  at(row: number, k: number): number;
}

/** Gives the shades from nothing to full for the theme that is worn. */
export function shadesOf(ink: Ink): string[] {
  const stops = Array.from({ length: STOPS }, (_, i) => ink.parts(`heat-${i}`));
  return Array.from({ length: SHADES }, (_, shade) => {
    const place = (shade / (SHADES - 1)) * (STOPS - 1);
    const low = stops[Math.min(STOPS - 2, Math.floor(place))] ?? [];
    const high = stops[Math.min(STOPS - 1, Math.floor(place) + 1)] ?? [];
    const share = place - Math.min(STOPS - 2, Math.floor(place));
    return `rgb(${[0, 1, 2].map(c => Math.round((low[c] ?? 0) + ((high[c] ?? 0) - (low[c] ?? 0)) * share)).join(',')})`;
  });
}

/**
 * Draws the strip. Cells are means over whole multiples of one length of time, so that they move and never flicker.
 */
export function drawHeat(canvas: HTMLCanvasElement, width: number, height: number, model: HeatModel, ink: Ink, shades: readonly string[]): void {
  const g = openCanvas(canvas, width, height);
  if (!g) return;
  const area: Area = { width, height, from: model.from, to: model.to };
  const columns = Math.max(1, Math.floor((plotRight(area) - PLOT.left) / CELL_PX));
  const perCell = Math.max(1, Math.ceil((model.to - model.from) / model.step / columns));
  const rowHeight = (plotBottom(area) - PLOT.top) / Math.max(1, model.rows.length);
  const seam = rowHeight > 4 ? 1 : 0;
  g.save();
  g.beginPath();
  g.rect(PLOT.left, 0, plotRight(area) - PLOT.left, height);
  g.clip();
  const firstCell = Math.floor(model.from / model.step / perCell);
  const lastCell = Math.floor(model.to / model.step / perCell);
  const cellWidth = xOf(area, model.from + perCell * model.step) - PLOT.left + 0.5;
  for (let row = 0; row < model.rows.length; row++) {
    const y = PLOT.top + row * rowHeight;
    for (let cell = firstCell; cell <= lastCell; cell++) {
      const mean = meanOf(model, row, cell * perCell, perCell);
      if (mean !== mean) continue;
      const shade = Math.round(Math.min(1, Math.max(0, mean / model.max)) * (SHADES - 1));
      g.fillStyle = shades[shade] ?? '';
      g.fillRect(xOf(area, cell * perCell * model.step), y, cellWidth, Math.max(1, rowHeight - seam));
    }
  }
  // Over the cells: one that a gap begins in holds a mean of what came before it.
  drawGaps(g, area, model.gaps, ink, ink.of('panel'));
  g.restore();
  drawNames(g, model.rows, rowHeight, ink);
  drawTimes(g, area, ink);
}

function meanOf(model: HeatModel, row: number, first: number, count: number): number {
  let sum = 0;
  let n = 0;
  for (let k = first; k < first + count; k++) {
    const value = model.at(row, k);
    if (value !== value) continue;
    sum += value;
    n++;
  }
  return n === 0 ? Number.NaN : sum / n;
}

function drawNames(g: CanvasRenderingContext2D, rows: readonly string[], rowHeight: number, ink: Ink): void {
  const every = Math.max(1, Math.ceil(18 / rowHeight));
  const round = every > 2 ? Math.ceil(every / 4) * 4 : every;
  g.font = ink.font;
  g.fillStyle = ink.of('text-3');
  g.textAlign = 'right';
  g.textBaseline = 'middle';
  rows.forEach((name, row) => {
    const last = row === rows.length - 1;
    const crowded = !last && rows.length - 1 - row < every * 0.7;
    if ((row % round === 0 && !crowded) || last) g.fillText(name, PLOT.left - 6, PLOT.top + (row + 0.5) * rowHeight, PLOT.left - 6);
  });
}
