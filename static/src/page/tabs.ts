// Tabs, by pointer and by arrows.

export class Tabs {
  readonly element: HTMLElement;
  readonly #tabs: readonly HTMLElement[];
  readonly #changed: () => void;
  #chosen = '';

  constructor(list: HTMLElement, changed: () => void) {
    this.element = list;
    this.#tabs = [...list.querySelectorAll<HTMLElement>('[role="tab"]')];
    this.#changed = changed;
    list.addEventListener('click', event => {
      const tab = event.target instanceof Element ? event.target.closest<HTMLElement>('[role="tab"]') : null;
      if (tab) this.#pick(tab);
    });
    list.addEventListener('keydown', event => {
      const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
      if (step === 0) return;
      event.preventDefault();
      const at = this.#tabs.findIndex(tab => tab === document.activeElement);
      const next = this.#tabs[(at + step + this.#tabs.length) % this.#tabs.length];
      if (!next) return;
      this.#pick(next);
      next.focus();
    });
  }

  /** The id of the pane that is seen. */
  get chosen(): string {
    return this.#chosen;
  }

  choose(pane: string): void {
    this.#chosen = pane;
    for (const tab of this.#tabs) {
      const controls = tab.getAttribute('aria-controls') ?? '';
      tab.setAttribute('aria-selected', String(controls === pane));
      tab.tabIndex = controls === pane ? 0 : -1;
      const there = document.getElementById(controls);
      if (there) there.hidden = controls !== pane;
    }
  }

  #pick(tab: HTMLElement): void {
    this.choose(tab.getAttribute('aria-controls') ?? '');
    this.#changed();
  }
}
