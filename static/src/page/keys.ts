// Everything by keyboard. Letters rest while a field has the focus, and can be turned off.
import { keepChoice, readChoice } from './choice';

/** What keys can do; each is optional, because not every page has everything. */
export interface KeyActs {
  readonly find: () => void;
  readonly help: () => void;
  readonly range?: (by: number) => void;
  readonly pause?: () => void;
  readonly live?: () => void;
  readonly crosshair?: (by: number) => void;
  readonly panel?: (by: number) => void;
  readonly full?: () => void;
  readonly fold?: () => void;
  /** Goes to where one writes; with the crosshair's moment. */
  readonly write?: () => void;
  readonly comment?: () => void;
  /** Goes to the next alert that fires. */
  readonly next?: () => void;
  readonly ack?: () => void;
  readonly silence?: () => void;
  readonly escape?: () => void;
  /** Goes to the page of queries. */
  readonly explore?: () => void;
}

const CROSSHAIR_FAR = 10;

/** Gives what a key does, or null when it is not ours. */
export function actFor(key: string, shift: boolean, acts: KeyActs): (() => void) | null {
  const { range, crosshair, panel } = acts;
  const far = shift ? CROSSHAIR_FAR : 1;
  switch (key) {
    case '/': return acts.find;
    case '?': return acts.help;
    case '[': return range ? () => range(-1) : null;
    case ']': return range ? () => range(1) : null;
    case ' ': return acts.pause ?? null;
    case 'Home': return acts.live ?? null;
    case 'ArrowLeft': return crosshair ? () => crosshair(-far) : null;
    case 'ArrowRight': return crosshair ? () => crosshair(far) : null;
    case 'j': return panel ? () => panel(1) : null;
    case 'k': return panel ? () => panel(-1) : null;
    case 'f': return acts.full ?? null;
    case 'r': return acts.fold ?? null;
    case 'm': return acts.write ?? null;
    case 'c': return acts.comment ?? null;
    case 'n': return acts.next ?? null;
    case 'a': return acts.ack ?? null;
    case 's': return acts.silence ?? null;
    case 'e': return acts.explore ?? null;
    case 'Escape': return acts.escape ?? null;
    default: return null;
  }
}

// What is in a closed dialog keeps the focus until the next frame, and takes no letters.
const SHUT = 'dialog:not([open])';
/** An editor has its text in a tree of its own: from outside it is the host alone. */
const FIELDS = `:is(input, textarea, select, [contenteditable], .editor):not(${SHUT} *)`;

export class Keys {
  readonly #acts: KeyActs;
  readonly #stop = new AbortController();

  #letters = readChoice('letters') !== 'off';

  constructor(acts: KeyActs) {
    this.#acts = acts;
  }

  start(): void {
    const choice = document.querySelector<HTMLInputElement>('[data-letters]');
    if (choice) choice.checked = this.#letters;
    choice?.addEventListener('change', () => {
      this.#letters = choice.checked;
      keepChoice('letters', this.#letters ? 'on' : 'off');
    }, { signal: this.#stop.signal });
    document.addEventListener('keydown', event => this.#pressed(event), { signal: this.#stop.signal });
  }

  stop(): void {
    this.#stop.abort();
  }

  #pressed(event: KeyboardEvent): void {
    const at = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || at.closest(FIELDS) || document.querySelector('dialog[open]')) return;
    if (!this.#letters && /^[a-z/?[\]]$/.test(event.key)) return;
    // Tabs have keys of their own, and leave the letters.
    if (event.key.length > 1 && at.closest('[role="tablist"]')) return;
    if (event.key === ' ' && at.closest(`:is(button, a, summary):not(${SHUT} *)`)) return;
    // The browser closes what is open, unless the key is taken from it.
    if (event.key === 'Escape' && document.querySelector(':popover-open')) return;
    const act = actFor(event.key, event.shiftKey, this.#acts);
    if (!act) return;
    event.preventDefault();
    act();
  }
}
