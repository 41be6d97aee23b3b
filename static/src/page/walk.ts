// From panel to panel, and one alone on the screen.

export class Walk {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Gives the panel that has the focus, or fills the screen. */
  get current(): HTMLElement | null {
    return this.#root.querySelector<HTMLElement>('.panel.is-full') ?? document.activeElement?.closest<HTMLElement>('.panel') ?? null;
  }

  /** Goes to the next panel (1) or the one before (-1), around the ends. */
  step(by: number): void {
    const all = [...this.#root.querySelectorAll<HTMLElement>('.panel')];
    const { current } = this;
    const at = current ? all.indexOf(current) : by > 0 ? -1 : 0;
    const next = all[(at + by + all.length) % all.length];
    if (!next) return;
    if (current?.classList.contains('is-full')) {
      this.#fill(current, false);
      this.#fill(next, true);
    }
    this.#focus(next);
  }

  /** Goes to a panel by its id. */
  to(id: string): void {
    const found = [...this.#root.querySelectorAll<HTMLElement>('[data-panel]')].find(section => section.dataset['panel'] === id);
    if (found) this.#focus(found);
  }

  /** Lets the current panel, or the named one, fill the screen, or puts it back. */
  full(id: string | null): void {
    const named = id === null ? null : [...this.#root.querySelectorAll<HTMLElement>('.panel')].find(section => section.dataset['panel'] === id) ?? null;
    const panel = named ?? this.current ?? this.#root.querySelector<HTMLElement>('.panel');
    if (!panel) return;
    this.#fill(panel, !panel.classList.contains('is-full'));
    this.#focus(panel);
  }

  /** Puts back what fills the screen; tells whether there was one. */
  back(): boolean {
    const panel = this.#root.querySelector<HTMLElement>('.panel.is-full');
    if (panel) this.#fill(panel, false);
    return panel !== null;
  }

  #fill(panel: HTMLElement, full: boolean): void {
    panel.classList.toggle('is-full', full);
    this.#root.classList.toggle('has-full', full);
  }

  #focus(panel: HTMLElement): void {
    panel.tabIndex = -1;
    panel.focus({ preventScroll: true });
    panel.scrollIntoView({ block: 'nearest' });
  }
}
