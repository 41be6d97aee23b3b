// What all kinds of panels have in common: their feeds, whether they are seen, and what they say when they cannot draw.
import type { Panel, Query } from '../boot';
import { notesOf } from '../data/notes';
import type { Table } from '../data/table';
import type { View } from '../data/view';
import { stepFor } from '../data/view';
import type { Drawable } from '../draw/queue';
import type { Feed, FeedWatcher } from '../live/feed';
import { fetchHistory } from '../live/history';
import type { CrosshairWatcher } from '../page/crosshair';
import type { Stage, ViewWatcher } from '../page/stage';
import { PanelWords } from './words';

/** A held stretch that was fetched, or is being fetched. */
interface Held {
  readonly from: number;
  readonly to: number;
  tables: readonly Table[] | null;
}

/** Wait before a held stretch is fetched, ms: a hand that drags asks once, when it rests. */
const FETCH_AFTER_MS = 150;

/** How long a panel is empty before it says so, ms: a rate needs two samples, and a new server has none yet. */
const EMPTY_AFTER_MS = 2_500;

export abstract class PanelView implements Drawable, FeedWatcher, ViewWatcher, CrosshairWatcher {
  readonly panel: Panel;
  readonly section: HTMLElement;
  protected readonly stage: Stage;
  protected readonly words: PanelWords;
  /** What is asked: the panel's own queries, or others in their place. */
  #queries: readonly Query[];
  /** Step of the feeds, ms. */
  #step = 0;
  #feeds: (Feed | null)[] = [];
  #held: Held | null = null;
  #seen = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #patient = true;
  /** Time of the newest step of the page when this was drawn last, ms. */
  #drawnAt = 0;

  constructor(panel: Panel, section: HTMLElement, stage: Stage) {
    this.panel = panel;
    this.#queries = panel.queries;
    this.section = section;
    this.stage = stage;
    this.words = new PanelWords(section, panel, stage.parts.texts);
  }

  start(): void {
    this.stage.watchers.add(this);
    this.stage.parts.crosshair.watchers.add(this);
    this.#join();
    this.words.start();
    this.#patience = setTimeout(() => {
      this.#patient = false;
      this.changed();
    }, EMPTY_AFTER_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    this.stage.watchers.delete(this);
    this.stage.parts.crosshair.watchers.delete(this);
    this.stage.parts.queue.forget(this);
    this.words.stop();
    this.#leave();
  }

  /** Live tables, one for each query; null where the server named no channel. */
  get tables(): readonly (Table | null)[] {
    return this.#feeds.map(feed => feed?.table ?? null);
  }

  /** Tells in one word how the feed of a query stands. */
  stateOf(query: number): string {
    return this.#feeds[query]?.state.kind ?? 'none';
  }

  /** Tables of what is shown: live ones, or those of a held stretch once they are here. */
  protected get shown(): readonly (Table | null)[] {
    return this.stage.view.kind === 'held' && this.#held?.tables ? this.#held.tables : this.tables;
  }

  get seen(): boolean {
    return this.#seen;
  }

  /** Told by the observer: only what is seen is drawn. */
  setSeen(seen: boolean): void {
    this.#seen = seen;
    if (seen) this.changed();
  }

  changed(): void {
    if (!this.#seen) return;
    this.stage.parts.queue.mark(this);
  }

  viewChanged(view: View): void {
    if (this.stepWanted() !== this.#step) {
      this.#leave();
      this.#join();
    }
    clearTimeout(this.#timer);
    if (view.kind === 'held' && this.followsTime) this.#timer = setTimeout(() => this.#fetch(view.from, view.to), FETCH_AFTER_MS);
    else this.#held = null;
    this.changed();
  }

  /** Draws once more if time moved on by a step and no frame of its own came: its samples stopped. */
  catchUp(): void {
    if (this.stage.view.kind === 'live' && this.stage.edge - this.#drawnAt >= this.#step) this.changed();
  }

  crosshairMoved(): void {
    if (this.#seen) this.readOut();
  }

  draw(): void {
    this.#drawnAt = this.stage.edge;
    const refused = this.#feeds.map(feed => feed?.state).find(state => state?.kind === 'refused');
    const joined = this.#feeds.length > 0 && this.#feeds.every(feed => feed === null || feed.state.kind !== 'joining');
    const count = this.shown.reduce((sum, table) => sum + (table && table.newestFilled >= 0 ? table.series.length : 0), 0);
    const notes = notesOf(this.shown);
    if (refused?.kind === 'refused') this.words.refused(refused.text);
    else if (joined && count === 0 && this.#patient) return;
    else if (joined && count === 0 && notes.length > 0) this.words.undrawn(notes);
    else if (joined && count === 0) this.words.empty(this.shown.reduce((sum, table) => sum + (table?.series.length ?? 0), 0));
    else if (joined && this.overflows()) return;
    else this.words.fine(joined, count, this.cut);
    this.words.notes(count > 0 ? notes : []);
    if (count > 0) this.paint();
  }

  /** How many series matched but are not sent. */
  protected get cut(): number {
    return this.shown.reduce((sum, table) => sum + (table?.more ?? 0), 0);
  }

  /** Says that too many series match, in place of drawing some of them; tells whether it did. */
  protected overflows(): boolean {
    return false;
  }

  /** Asks other queries in the place of the panel's own, which are as many. */
  protected ask(queries: readonly Query[]): void {
    this.#leave();
    this.#held = null;
    this.#queries = queries;
    this.#join();
    const { view } = this.stage;
    if (view.kind === 'held') this.#fetch(view.from, view.to);
    this.changed();
  }

  /** Draws the panel's content into its section. */
  protected abstract paint(): void;

  /** Called when the crosshair moved: values, and what lies over the plot. */
  protected readOut(): void {}

  /** Whether it shows the stretch that is held; a panel that shows now alone just stops. */
  protected get followsTime(): boolean {
    return true;
  }

  /** Step in which this panel wants to live, ms. */
  protected stepWanted(): number {
    return this.stage.step;
  }

  #join(): void {
    this.#step = this.stepWanted();
    this.#feeds = this.#queries.map(query => this.stage.parts.feeds.take(query, this.#step, this));
  }

  #leave(): void {
    for (const feed of this.#feeds) if (feed) this.stage.parts.feeds.leave(feed, this);
    this.#feeds = [];
  }

  #fetch(from: number, to: number): void {
    if (!this.#seen || this.panel.queries.length === 0 || (this.#held?.from === from && this.#held.to === to)) return;
    const held: Held = { from, to, tables: this.#held?.tables ?? null };
    this.#held = held;
    fetchHistory(this.stage.parts.link, this.#queries, { from, to, step: stepFor(from, to, this.stage.parts.ranges) }).then(tables => {
      if (this.#held !== held) return;
      held.tables = tables;
      this.changed();
    }, () => {
      if (this.#held === held) this.#held = null;
    });
  }
}
