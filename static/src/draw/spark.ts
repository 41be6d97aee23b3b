// The small line under a stat: its shape over the range, without an axis.
import { extremes, extremesOf, type Extremes } from '../data/extremes';
import { openCanvas } from './geometry';
import type { Ink } from './ink';

const BUCKET_PX = 2;

/** Draws one spark and keeps its buckets for the next. */
export class Spark {
  readonly #canvas: HTMLCanvasElement;
  #buckets: Extremes = extremesOf(1);

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  draw(width: number, height: number, count: number, at: (i: number) => number, ink: Ink): void {
    const g = openCanvas(this.#canvas, width, height);
    if (!g || count < 2) return;
    const wanted = Math.max(2, Math.min(count, Math.floor(width / BUCKET_PX)));
    if (this.#buckets.low.length !== wanted) this.#buckets = extremesOf(wanted);
    extremes(this.#buckets, count, at);
    let low = Infinity;
    let high = -Infinity;
    for (const value of this.#buckets.high) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (high === -Infinity) return;
    const room = (high - low || Math.abs(high) || 1) * 0.15;
    const bottom = low >= 0 ? Math.max(0, low - room) : low - room;
    const x = (i: number): number => 1 + (i / (wanted - 1)) * (width - 4);
    const y = (value: number): number => height - 2 - ((value - bottom) / (high + room - bottom)) * (height - 4);
    this.#runs(g, x, y, height, ink);
  }

  #runs(g: CanvasRenderingContext2D, x: (i: number) => number, y: (value: number) => number, height: number, ink: Ink): void {
    const values = this.#buckets.high;
    g.lineWidth = 1.25;
    g.lineJoin = 'round';
    g.strokeStyle = ink.series(8);
    g.fillStyle = ink.faded('series-8', 0.16);
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(values[i])) continue;
      const start = i;
      while (i + 1 < values.length && !Number.isNaN(values[i + 1])) i++;
      const path = new Path2D();
      for (let j = start; j <= i; j++) path.lineTo(x(j), y(values[j] ?? 0));
      g.stroke(path);
      path.lineTo(x(i), height);
      path.lineTo(x(start), height);
      g.fill(path);
    }
    const last = values[values.length - 1] ?? Number.NaN;
    if (Number.isNaN(last)) return;
    g.beginPath();
    g.arc(x(values.length - 1), y(last), 1.75, 0, 7);
    g.fillStyle = ink.series(8);
    g.fill();
  }
}
