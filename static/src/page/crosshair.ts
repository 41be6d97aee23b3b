// The one crosshair of the page: a moment, and the panel that the pointer is in.

export interface CrosshairWatcher {
  crosshairMoved(): void;
}

export class Crosshair {
  /** The moment, ms since the epoch; null while there is none. */
  time: number | null = null;
  /** The panel that the pointer is in; null when keys moved it. */
  owner: string | null = null;
  readonly watchers = new Set<CrosshairWatcher>();
  readonly #frame: (callback: () => void) => void;
  #asked = false;

  constructor(frame: (callback: () => void) => void) {
    this.#frame = frame;
  }

  /** Moves it; watchers hear of it once a frame, however often it moves. */
  move(time: number | null, owner: string | null): void {
    if (time === this.time && owner === this.owner) return;
    this.time = time;
    this.owner = owner;
    if (this.#asked) return;
    this.#asked = true;
    this.#frame(() => {
      this.#asked = false;
      for (const watcher of this.watchers) watcher.crosshairMoved();
    });
  }
}
