// What all panels of a page share.
import type { Band } from '../alerts/bands';
import type { LimitLine } from '../alerts/limitlines';
import type { Panel } from '../boot';
import { spanOf, viewAfter, type Act, type Range, type View } from '../data/view';
import type { DrawQueue } from '../draw/queue';
import type { Ink } from '../draw/ink';
import type { Feeds } from '../live/feeds';
import type { Link } from '../live/link';
import type { Pulse } from '../live/pulse';
import type { ServerTime } from '../live/servertime';
import type { PinBoard } from '../room/pins';
import type { Texts } from '../texts/texts';
import { keepChoice } from './choice';
import type { Crosshair } from './crosshair';

export interface Parts {
  readonly texts: Texts;
  readonly ink: Ink;
  readonly queue: DrawQueue;
  readonly link: Link;
  readonly feeds: Feeds;
  readonly pulse: Pulse;
  readonly serverTime: ServerTime;
  readonly crosshair: Crosshair;
  readonly pins: PinBoard;
  readonly ranges: readonly Range[];
}

export interface ViewWatcher {
  viewChanged(view: View): void;
}

/** The shared parts, and the view: which stretch of time all panels show. */
export class Stage {
  readonly parts: Parts;
  readonly watchers = new Set<ViewWatcher>();
  /** Opens what a panel's button offers. */
  onMore: (panel: Panel, button: HTMLElement) => void = () => undefined;
  /** Gives when alerts of a panel were pending or fired. */
  bandsOf: (panel: string, from: number, to: number) => readonly Band[] = () => [];
  /** Gives the limits of rules that measure what a panel draws. */
  limitsOf: (panel: Panel) => readonly LimitLine[] = () => [];
  readonly #keeps: boolean;
  #view: View;

  /** With `keeps`, a range that is chosen is kept on this device. */
  constructor(parts: Parts, range: number, keeps = true) {
    this.parts = parts;
    this.#keeps = keeps;
    this.#view = { kind: 'live', range };
  }

  get view(): View {
    return this.#view;
  }

  /** Time of the newest step, or of the server's last whole second before one came. */
  get edge(): number {
    return this.parts.pulse.edge || Math.floor(this.parts.serverTime.now() / 1000) * 1000;
  }

  get span(): { from: number; to: number } {
    return spanOf(this.#view, this.parts.ranges, this.edge);
  }

  /** Step of the live range, ms. */
  get step(): number {
    return this.parts.ranges[this.#view.range]?.step ?? 1000;
  }

  act(act: Act): void {
    const next = viewAfter(this.#view, act, this.parts.ranges, this.edge);
    if (next === this.#view) return;
    this.#view = next;
    if (act.kind === 'range' && this.#keeps) keepChoice('range', this.parts.ranges[next.range]?.id ?? '');
    for (const watcher of this.watchers) watcher.viewChanged(next);
  }
}
