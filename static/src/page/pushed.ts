// The room of pushed metrics: its panels appear as metrics do.
import { parsePanels, type Panel } from '../boot';
import type { Link } from '../live/link';
import { isFields } from '../wire/parse';
import type { Board } from './board';

/** The room that has no file: docs/dashboards.md. */
export const PUSHED = 'pushed';

/** Least time between two calls, ms: many metrics may be new at once. */
const ASK_EVERY_MS = 250;

export class PushedRoom {
  readonly #link: Link;
  readonly #board: Board;
  readonly #hint: HTMLElement | null;
  readonly #added: (panels: readonly Panel[]) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, board: Board, hint: HTMLElement | null, added: (panels: readonly Panel[]) => void) {
    this.#link = link;
    this.#board = board;
    this.#hint = hint;
    this.#added = added;
  }

  /** Asks for panels soon: the server said that there are new ones, or the link was away. */
  look(): void {
    this.#timer ??= setTimeout(() => void this.#ask(), ASK_EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    try {
      const reply = await this.#link.call(PUSHED, {});
      const panels = this.#board.extend(parsePanels(isFields(reply) ? reply['panels'] : []));
      if (this.#hint && this.#board.panels.length > 0) this.#hint.hidden = true;
      if (panels.length > 0) this.#added(panels);
    } catch {
      // The link broke; look() is called again when it is back.
    }
  }
}
