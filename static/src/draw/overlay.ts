// What lies over a plot: the crosshair, the stretch that is being chosen, and the pointer.
import { clock } from '../format/time';
import { crisp, openCanvas, PLOT, plotBottom, plotRight, timeAt, xOf, type Area } from './geometry';
import { timeMarkSpans } from './axes';
import type { Ink } from './ink';

export interface Touches {
  /** Where the pointer is, ms; null when it left. */
  hover(time: number | null): void;
  zoom(from: number, to: number): void;
  shift(by: number): void;
  live(): void;
}

/** A dot of the crosshair: where a series is at that moment, pixels. */
export interface CrossDot {
  readonly y: number;
  readonly colour: number;
}

/** Least way that is a choice and not a click, pixels. */
const DRAG_MIN_PX = 6;

type Drag = { readonly kind: 'zoom'; readonly from: number } | { readonly kind: 'shift'; x: number };

export class Overlay {
  readonly #canvas: HTMLCanvasElement;
  readonly #ink: Ink;
  readonly #touches: Touches;
  readonly #stop = new AbortController();
  #area: Area = { width: 0, height: 0, from: 0, to: 1 };
  #drag: Drag | null = null;
  #pointer = 0;
  #empty = true;
  #redraw: () => void = () => undefined;

  constructor(canvas: HTMLCanvasElement, ink: Ink, touches: Touches) {
    this.#canvas = canvas;
    this.#ink = ink;
    this.#touches = touches;
    const { signal } = this.#stop;
    canvas.addEventListener('pointerdown', e => this.#down(e), { signal });
    canvas.addEventListener('pointermove', e => this.#move(e), { signal });
    canvas.addEventListener('pointerup', e => this.#up(e), { signal });
    canvas.addEventListener('pointercancel', () => this.#cancel(), { signal });
    canvas.addEventListener('pointerleave', () => touches.hover(null), { signal });
    window.addEventListener('keydown', e => this.#key(e), { signal, capture: true });
    canvas.addEventListener('dblclick', () => touches.live(), { signal });
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Draws the crosshair at `time`; `own` when the pointer is in this very plot. */
  draw(area: Area, time: number | null, own: boolean, dots: readonly CrossDot[]): void {
    this.#area = area;
    this.#redraw = () => this.draw(area, time, own, dots);
    const shown = time !== null && time >= area.from && time <= area.to;
    const choosing = this.#drag?.kind === 'zoom';
    if (!shown && !choosing && this.#empty) return;
    const g = openCanvas(this.#canvas, area.width, area.height);
    if (!g) return;
    this.#empty = !shown && !choosing;
    if (choosing) this.#choice(g, area);
    if (shown) this.#cross(g, area, time, own, dots);
  }

  #choice(g: CanvasRenderingContext2D, area: Area): void {
    if (this.#drag?.kind !== 'zoom') return;
    const from = xOf(area, this.#drag.from);
    const to = xOf(area, timeAt(area, this.#pointer));
    g.fillStyle = this.#ink.faded('text-2', 0.14);
    g.fillRect(Math.min(from, to), PLOT.top, Math.abs(to - from), plotBottom(area) - PLOT.top);
    g.strokeStyle = this.#ink.of('text-2');
    g.lineWidth = 1;
    for (const x of [from, to]) {
      g.beginPath();
      g.moveTo(crisp(x), PLOT.top);
      g.lineTo(crisp(x), plotBottom(area));
      g.stroke();
    }
  }

  #cross(g: CanvasRenderingContext2D, area: Area, time: number, own: boolean, dots: readonly CrossDot[]): void {
    const x = crisp(xOf(area, time));
    g.strokeStyle = this.#ink.of('crosshair');
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(x, PLOT.top - 4);
    g.lineTo(x, plotBottom(area) + 3);
    g.stroke();
    g.lineWidth = 1.5;
    g.strokeStyle = this.#ink.of('panel');
    for (const dot of dots) {
      g.beginPath();
      g.arc(x, dot.y, 3, 0, 7);
      g.fillStyle = this.#ink.series(dot.colour);
      g.fill();
      g.stroke();
    }
    this.#word(g, area, x, clock(time), own);
  }

  /** The moment, on the time axis: on accent only where the pointer is. It takes the place of marks that it meets. */
  #word(g: CanvasRenderingContext2D, area: Area, x: number, word: string, own: boolean): void {
    g.font = this.#ink.font;
    const half = g.measureText(word).width / 2 + 5;
    const middle = Math.min(Math.max(x, PLOT.left + half), area.width - half);
    const [left, right] = [middle - half, middle + half];
    g.fillStyle = this.#ink.of('panel');
    for (const [from, to] of timeMarkSpans(area)) if (from < right && to > left) g.fillRect(from, area.height - 14, to - from, 14);
    g.fillStyle = this.#ink.of(own ? 'accent' : 'panel');
    g.beginPath();
    g.roundRect(left, area.height - 15, half * 2, 15, own ? 3 : 0);
    g.fill();
    g.textAlign = 'center';
    g.textBaseline = 'alphabetic';
    g.fillStyle = this.#ink.of(own ? 'accent-ink' : 'text-2');
    g.fillText(word, middle, area.height - 3.5);
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || event.pointerType === 'touch') return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointer = event.offsetX;
    this.#drag = event.shiftKey ? { kind: 'shift', x: event.offsetX } : { kind: 'zoom', from: timeAt(this.#area, event.offsetX) };
  }

  #move(event: PointerEvent): void {
    this.#pointer = event.offsetX;
    if (this.#drag?.kind === 'shift') {
      const perPixel = (this.#area.to - this.#area.from) / Math.max(1, plotRight(this.#area) - PLOT.left);
      this.#touches.shift((this.#drag.x - event.offsetX) * perPixel);
      this.#drag.x = event.offsetX;
    }
    this.#touches.hover(timeAt(this.#area, event.offsetX));
  }

  #up(event: PointerEvent): void {
    const drag = this.#drag;
    this.#cancel();
    if (drag?.kind !== 'zoom') return;
    const to = timeAt(this.#area, event.offsetX);
    if (Math.abs(xOf(this.#area, drag.from) - event.offsetX) >= DRAG_MIN_PX) this.#touches.zoom(drag.from, to);
  }

  /** Escape gives a choice up, and does nothing else then. */
  #key(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || this.#drag === null) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#cancel();
    this.#redraw();
  }

  #cancel(): void {
    this.#drag = null;
    this.#empty = false;
  }
}
