// The panels of the page: which there are, which are seen, and new ones as they appear.
import type { Panel } from '../boot';
import { HeatPanel } from '../panels/heatpanel';
import { makePanel } from '../panels/make';
import type { PanelView } from '../panels/panel';
import { need } from './dom';
import { rowsOf } from './rows';
import type { Stage } from './stage';

/** How far outside the screen a panel counts as seen, so that scrolling finds it drawn. */
const MARGIN = '120px';

/** How long a panel may stand still while others move on, ms. */
const LATE_MS = 300;

export class Board {
  readonly #stage: Stage;
  readonly #root: HTMLElement;
  readonly #top: string;
  readonly #seen: IntersectionObserver;
  readonly #bySection = new Map<Element, PanelView>();
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(stage: Stage, root: HTMLElement, top: string) {
    this.#stage = stage;
    this.#root = root;
    this.#top = top;
    this.#seen = new IntersectionObserver(entries => {
      for (const entry of entries) this.#bySection.get(entry.target)?.setSeen(entry.isIntersecting);
    }, { rootMargin: MARGIN });
  }

  get panels(): PanelView[] {
    return [...this.#bySection.values()];
  }

  /** Takes over the panels that the server wrote; those it did not are added at the end. */
  start(panels: readonly Panel[]): void {
    const sections = new Map([...this.#root.querySelectorAll<HTMLElement>('[data-panel]')].map(section => [section.dataset['panel'] ?? '', section]));
    for (const panel of panels) this.#add(panel, sections.get(panel.id) ?? this.#write(panel));
  }

  stop(): void {
    clearTimeout(this.#late);
    this.#seen.disconnect();
    for (const view of this.#bySection.values()) view.stop();
    this.#bySection.clear();
  }

  /** Adds the panels that are not here yet, after the others; gives those. */
  extend(panels: readonly Panel[]): Panel[] {
    const known = new Set(this.panels.map(view => view.panel.id));
    const fresh = panels.filter(panel => !known.has(panel.id));
    for (const panel of fresh) this.#add(panel, this.#write(panel));
    if (fresh.length > 0) this.#countRows();
    return fresh;
  }

  /** Tells the sheet how many rows there are: heights follow from that alone. */
  #countRows(): void {
    const { rows } = rowsOf(this.panels.map(view => view.panel));
    this.#root.dataset['rows'] = `${rows}`;
  }

  redraw(): void {
    for (const view of this.#bySection.values()) view.changed();
  }

  /** After time moved on: those that got no frame themselves are drawn too, so that all show the same stretch. */
  redrawLate(): void {
    if (this.#late !== undefined) return;
    this.#late = setTimeout(() => {
      this.#late = undefined;
      for (const view of this.#bySection.values()) view.catchUp();
    }, LATE_MS);
  }

  /** The theme changed: nothing that was resolved for the old one is kept. */
  newInk(): void {
    this.#stage.parts.ink.forget();
    for (const view of this.#bySection.values()) if (view instanceof HeatPanel) view.forgetInk();
    this.redraw();
  }

  #add(panel: Panel, section: HTMLElement): void {
    const view = makePanel(panel, section, this.#stage, this.#top);
    this.#bySection.set(section, view);
    section.querySelector('[data-more]')?.addEventListener('click', e => {
      if (e.currentTarget instanceof HTMLElement) this.#stage.onMore(panel, e.currentTarget);
    });
    view.start();
    this.#seen.observe(section);
  }

  /** Writes a panel as the server would: from the template that it sent along. */
  #write(panel: Panel): HTMLElement {
    const template = need<HTMLTemplateElement>('#panel-line');
    const section = need('[data-panel]', template.content.cloneNode(true) as DocumentFragment);
    const title = need('h2', section);
    section.dataset['panel'] = panel.id;
    section.className = `panel w-${panel.width}`;
    title.textContent = panel.title;
    title.title = panel.title;
    title.id = `p-x${this.#bySection.size}`;
    section.setAttribute('aria-labelledby', title.id);
    need('.unit', section).textContent = panel.unit;
    const { texts } = this.#stage.parts;
    need('canvas.paint', section).setAttribute('aria-label', texts.chartOf(panel.title, panel.unit));
    need('[data-more]', section).setAttribute('aria-label', texts.moreOf(panel.title));
    need('.grid', this.#root).append(section);
    return section;
  }
}
