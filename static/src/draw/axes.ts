// Grid, marks, gaps and limits of a plot: drawn under the lines, by all charts alike.
import { formatMark, formatNumber } from '../format/number';
import { clockMark, zoneAt } from '../format/time';
import { timeMarks, type Scale } from '../data/ticks';
import type { Gap } from '../data/gaps';
import { crisp, PLOT, plotBottom, plotRight, xOf, yOf, type Area } from './geometry';
import type { Ink } from './ink';
import { freeBox, wordsOfStretches, type Box } from './labels';

type Context = CanvasRenderingContext2D;

interface Limit {
  readonly at: number;
  readonly label: string;
}

/** Height of a limit's words. */
const LIMIT_WORDS_PX = 13;

function line(g: Context, x0: number, y0: number, x1: number, y1: number): void {
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
}

/** Draws the grid and the words of the value axis; `bare` leaves the words out while nothing is known. */
export function drawGrid(g: Context, area: Area, scale: Scale, ink: Ink, mirrored: boolean, bare: boolean): void {
  const distance = (scale.ticks[1] ?? scale.max) - (scale.ticks[0] ?? scale.min);
  const largest = Math.max(Math.abs(scale.ticks[0] ?? 0), Math.abs(scale.ticks.at(-1) ?? 0));
  g.font = ink.font;
  g.lineWidth = 1;
  g.textAlign = 'right';
  g.textBaseline = 'middle';
  for (const tick of scale.ticks) {
    const y = crisp(yOf(area, scale, tick));
    g.strokeStyle = ink.of(tick === 0 ? 'axis' : 'grid');
    line(g, PLOT.left, y, plotRight(area), y);
    if (bare) continue;
    g.fillStyle = ink.of('text-3');
    g.fillText(formatMark(tick, distance, largest, mirrored), PLOT.left - 6, y, PLOT.left - 6);
  }
}

/** Half the room of a time mark's words, pixels. */
function timeMarkHalf(every: number): number {
  return every < 60_000 ? 23 : 14;
}

/** Gives from where to where the words of the time marks reach, pixels: the crosshair's own covers those it meets. */
export function timeMarkSpans(area: Area): readonly (readonly [number, number])[] {
  const right = plotRight(area);
  const marks = timeMarks(area.from, area.to, right - PLOT.left, zoneAt(area.to));
  const half = timeMarkHalf(marks.every);
  return marks.at.map(time => {
    const x = Math.min(Math.max(xOf(area, time), PLOT.left + half), right - half);
    return [x - half - 2, x + half + 2] as const;
  });
}

/** Draws the marks of the time axis. */
export function drawTimes(g: Context, area: Area, ink: Ink): void {
  const right = plotRight(area);
  const bottom = plotBottom(area);
  const marks = timeMarks(area.from, area.to, right - PLOT.left, zoneAt(area.to));
  const half = timeMarkHalf(marks.every);
  g.font = ink.font;
  g.lineWidth = 1;
  g.textAlign = 'center';
  g.textBaseline = 'alphabetic';
  g.strokeStyle = ink.of('axis');
  g.fillStyle = ink.of('text-3');
  for (const time of marks.at) {
    const x = xOf(area, time);
    line(g, crisp(x), bottom, crisp(x), bottom + 3);
    g.fillText(clockMark(time, marks.every), Math.min(Math.max(x, PLOT.left + half), right - half), area.height - 4);
  }
}

/** Hatches where there are no samples, on a ground that covers what is there. */
export function drawGaps(g: Context, area: Area, gaps: readonly Gap[], ink: Ink, ground: string | null = null): void {
  const height = plotBottom(area) - PLOT.top;
  for (const { from, to } of stretchesOf(area, gaps)) {
    if (ground !== null) {
      g.fillStyle = ground;
      g.fillRect(from, PLOT.top, Math.max(1, to - from), height);
    }
    g.fillStyle = ink.hatch('gap', g);
    g.fillRect(from, PLOT.top, Math.max(1, to - from), height);
  }
}

/** Writes how long gaps lasted where there is room: never over other words, nor over lines. */
export function drawGapWords(g: Context, area: Area, gaps: readonly Gap[], ink: Ink, words: (gap: Gap) => string, crossed: (box: Box) => boolean): void {
  if (gaps.length === 0) return;
  g.font = ink.font;
  const stretches = stretchesOf(area, gaps).map(stretch => ({ ...stretch, said: words(stretch.gap), width: g.measureText(words(stretch.gap)).width }));
  const boxes = wordsOfStretches(stretches, { left: PLOT.left, right: plotRight(area), top: PLOT.top }, crossed);
  g.textAlign = 'left';
  g.textBaseline = 'alphabetic';
  boxes.forEach((box, i) => {
    const stretch = stretches[i];
    if (!box || !stretch || stretch.said === '') return;
    if (box.left > stretch.from && box.right < stretch.to) {
      g.fillStyle = ink.of('panel');
      g.fillRect(box.left - 3, box.top, box.right - box.left + 6, box.bottom - box.top);
    }
    g.fillStyle = ink.of('text-3');
    g.fillText(stretch.said, box.left, box.top + 10);
  });
}

/** Gives where gaps lie on the plot, pixels; those outside of it are left out. */
function stretchesOf(area: Area, gaps: readonly Gap[]): { from: number; to: number; gap: Gap }[] {
  return gaps.map(gap => ({ from: Math.max(PLOT.left, xOf(area, gap.from)), to: Math.min(plotRight(area), xOf(area, gap.to)), gap }))
    .filter(({ from, to }) => to > from);
}

/** Draws a dashed limit. Grey, or the colour of the alert that it belongs to. */
export function drawLimit(g: Context, area: Area, scale: Scale, at: number, colour: string, ink: Ink): void {
  const y = yOf(area, scale, at);
  if (y < PLOT.top - 1 || y > plotBottom(area)) return;
  g.save();
  g.setLineDash([4, 3]);
  g.lineWidth = 1;
  g.strokeStyle = ink.of(colour);
  line(g, PLOT.left, crisp(y), plotRight(area), crisp(y));
  g.restore();
}

/** Writes what a limit is, on a side of it that is free; where none is, on a ground of its own. */
export function drawLimitWords(g: Context, area: Area, scale: Scale, limit: Limit, ink: Ink, crossed: (box: Box) => boolean): void {
  const y = yOf(area, scale, limit.at);
  if (y < PLOT.top - 1 || y > plotBottom(area)) return;
  const words = `${formatNumber(limit.at, Number.isInteger(limit.at) ? 0 : 1)} ${limit.label}`;
  g.font = ink.font;
  const width = g.measureText(words).width;
  const starts = [PLOT.left + 4, plotRight(area) - width - 4, (PLOT.left + plotRight(area) - width) / 2];
  const heights = [y - LIMIT_WORDS_PX - 2, y + 3].filter(top => top >= PLOT.top - 6 && top + LIMIT_WORDS_PX <= plotBottom(area));
  const places = starts.flatMap(left => heights.map(top => ({ left, right: left + width, top, bottom: top + LIMIT_WORDS_PX })));
  const found = freeBox(places, [], crossed);
  if (!found) return;
  if (!found.clear) {
    g.fillStyle = ink.of('panel');
    g.fillRect(found.box.left - 3, found.box.top, width + 6, LIMIT_WORDS_PX);
  }
  g.fillStyle = ink.of('text-3');
  g.textAlign = 'left';
  g.textBaseline = 'alphabetic';
  g.fillText(words, found.box.left, found.box.bottom - 3);
}
