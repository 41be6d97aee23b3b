// Range, pause and clock of the top bar.
import type { View } from '../data/view';
import { clock, clockUtc } from '../format/time';
import { iconHref, need, write } from './dom';
import type { Stage, ViewWatcher } from './stage';

export class TimeBar implements ViewWatcher {
  readonly #stage: Stage;
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #pick: HTMLSelectElement;
  readonly #pause: HTMLButtonElement;
  readonly #clock: HTMLTimeElement;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(root: ParentNode, stage: Stage) {
    this.#stage = stage;
    this.#buttons = [...root.querySelectorAll<HTMLButtonElement>('[data-range]')];
    this.#pick = need('select.range-pick', root);
    this.#pause = need('[data-pause]', root);
    this.#clock = need('[data-clock]', root);
  }

  start(): void {
    const { signal } = this.#stop;
    this.#buttons.forEach((button, range) => button.addEventListener('click', () => this.#stage.act({ kind: 'range', range }), { signal }));
    this.#pick.addEventListener('change', () => this.#stage.act({ kind: 'range', range: this.#pick.selectedIndex }), { signal });
    this.#pause.addEventListener('click', () => this.pause(), { signal });
    this.#stage.watchers.add(this);
    this.#timer = setInterval(() => this.#tick(), 250);
    this.viewChanged(this.#stage.view);
  }

  stop(): void {
    this.#stop.abort();
    clearInterval(this.#timer);
    this.#stage.watchers.delete(this);
  }

  /** Holds what is shown, or goes back to live. */
  pause(): void {
    this.#stage.act({ kind: this.#stage.view.kind === 'held' ? 'live' : 'hold' });
  }

  viewChanged(view: View): void {
    const held = view.kind === 'held';
    const { texts } = this.#stage.parts;
    this.#buttons.forEach((button, range) => button.setAttribute('aria-pressed', String(range === view.range)));
    this.#pick.selectedIndex = view.range;
    this.#pause.setAttribute('aria-pressed', String(held));
    this.#pause.setAttribute('aria-label', held ? texts.goLive : texts.pause);
    this.#pause.querySelector('use')?.setAttribute('href', iconHref(held ? 'i-play' : 'i-pause'));
    write(this.#pause.querySelector('.btn-text'), held ? texts.goLive : texts.pause);
  }

  #tick(): void {
    const now = this.#stage.parts.serverTime.now();
    write(this.#clock, clock(now));
    this.#clock.title = clockUtc(now);
  }
}
