// Where the plot lies in its canvas: the same in every chart, so that times line up down a column.

export const PLOT = { left: 36, right: 6, top: 8, bottom: 18 } as const;

/** A plot of a known size that shows a known stretch of time. */
export interface Area {
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
}

export const plotRight = (area: Area): number => area.width - PLOT.right;
export const plotBottom = (area: Area): number => area.height - PLOT.bottom;

export function xOf(area: Area, time: number): number {
  return PLOT.left + ((time - area.from) / (area.to - area.from)) * (plotRight(area) - PLOT.left);
}

/** Gives the time under a pixel, kept within the plot. */
export function timeAt(area: Area, x: number): number {
  const share = (x - PLOT.left) / Math.max(1, plotRight(area) - PLOT.left);
  return area.from + Math.min(1, Math.max(0, share)) * (area.to - area.from);
}

export function yOf(area: Area, scale: { min: number; max: number }, value: number): number {
  return plotBottom(area) - ((value - scale.min) / (scale.max - scale.min)) * (plotBottom(area) - PLOT.top);
}

/** The middle of a pixel: a one pixel line there is sharp. */
export const crisp = (v: number): number => Math.round(v) + 0.5;

/** Fits a canvas to its box and gives it cleared, in CSS pixels; null while it has no size. */
export function openCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const context = canvas.getContext('2d');
  if (!context || width <= 0 || height <= 0) return null;
  const ratio = window.devicePixelRatio || 1;
  const w = Math.round(width * ratio);
  const h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
