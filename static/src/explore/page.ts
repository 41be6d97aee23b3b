// The page of queries: its rows, what they give as a graph or a table, live or of a stretch, and its address.
import { formatNumber } from '../format/number';
import { need, write } from '../page/dom';
import type { Stage, ViewWatcher } from '../page/stage';
import { Tabs } from '../page/tabs';
import { Poll } from '../server/poll';
import { ask, read } from './api';
import { Asking } from './asking';
import { GraphPane } from './graphpane';
import { MakeDialog } from './make';
import { Metrics } from './metrics';
import { Names } from './names';
import { QueryRows } from './queryrows';
import { ResultTable } from './resulttable';
import { hashOf, stateOf, type ExploreState, type FixedStretch } from './state';
import type { Steps } from './steps';
import { TimeFields } from './timefields';

const SAID_MS = 1_500;
/** From this width on the pane of metrics stands beside the queries. */
const WIDE = '(min-width: 1024px)';

export class ExplorePage implements ViewWatcher {
  readonly #main: HTMLElement;
  readonly #stage: Stage;
  readonly #steps: Steps;
  readonly #hint: HTMLElement;
  readonly #rows: QueryRows;
  readonly #asking: Asking;
  readonly #graph: GraphPane;
  readonly #table: ResultTable;
  readonly #tabs: Tabs;
  readonly #time: TimeFields;
  readonly #metrics: Metrics;
  readonly #make: MakeDialog;
  readonly #poll: Poll;
  readonly #names: Names;
  readonly #stop = new AbortController();
  /** The question that is asked now. */
  #turn = new AbortController();
  /** What an address says is being taken over: acts on the way there are no wishes of anybody. */
  #restoring = false;
  /** A live question waits for the link. */
  #waits = false;

  constructor(root: Document, stage: Stage, steps: Steps) {
    const { texts, link, serverTime } = stage.parts;
    this.#main = need('main.explore', root);
    this.#stage = stage;
    this.#steps = steps;
    this.#hint = need('[data-hint]', root);
    this.#names = new Names(read, () => performance.now());
    this.#make = new MakeDialog(root, texts);
    const run = (): void => void this.run(true);
    this.#rows = new QueryRows(root, texts, this.#names, { run, rule: expr => this.#make.rule(expr), leave: () => this.#main.focus({ preventScroll: true }) });
    this.#asking = new Asking({ ask, call: (method, request) => link.call(method, request), otherwise: texts.explore.noAnswer });
    this.#graph = new GraphPane(need('#t-graph', root), stage, steps, () => void this.run(false));
    this.#table = new ResultTable(need('#t-table', root), texts);
    this.#tabs = new Tabs(need('.explore-bar .tabs', root), run);
    this.#time = new TimeFields(root, texts, {
      stretch: stretch => this.#showStretch(stretch),
      step: own => {
        this.#steps.own = own;
        run();
      },
    });
    this.#metrics = new Metrics(need('#metrics', root), {
      texts, names: this.#names, read, ask, now: () => serverTime.now(), insert: words => {
        if (!window.matchMedia(WIDE).matches) this.#openMetrics(false);
        this.#rows.insert(words);
      },
    });
    this.#poll = new Poll({ ask: () => this.#again(), may: () => !document.hidden && this.#isLiveTable, said: () => undefined, now: () => Date.now() });
    this.#wireButtons(root);
  }

  start(): void {
    this.#stage.watchers.add(this);
    window.addEventListener('popstate', () => this.#restore(), { signal: this.#stop.signal });
    document.addEventListener('visibilitychange', () => this.#poll.wake(), { signal: this.#stop.signal });
    this.#restore();
    this.#main.removeAttribute('aria-busy');
    if (window.matchMedia('(pointer: fine)').matches && !this.#rows.askers.length) this.#rows.focus();
  }

  stop(): void {
    this.#stop.abort();
    this.#turn.abort();
    this.#stage.watchers.delete(this);
    this.#poll.stop();
    this.#graph.stop();
    this.#rows.stop();
    this.#metrics.stop();
    this.#names.destroy();
  }

  /** Goes to where one writes a query. */
  focus(): void {
    this.#rows.focus();
  }

  /** Closes the pane of metrics; tells whether it was open. */
  close(): boolean {
    const wasOpen = need('#metrics', this.#main).hidden === false;
    if (wasOpen) this.#openMetrics(false);
    return wasOpen;
  }

  /** The link came or went. */
  linked(): void {
    if (this.#stage.parts.link.state.kind === 'live' && this.#waits) void this.run(false);
    this.#poll.wake();
  }

  get graph(): GraphPane {
    return this.#graph;
  }

  viewChanged(): void {
    if (!this.#restoring) void this.run(true);
  }

  /** Asks what the page says now. `keeps` puts it into the address, as a step to come back to. */
  async run(keeps: boolean): Promise<void> {
    if (keeps) this.#keep();
    this.#turn.abort();
    this.#turn = new AbortController();
    this.#waits = false;
    const { signal } = this.#turn;
    this.#showTime();
    const isTable = this.#tabs.chosen === 't-table';
    write(this.#hint, this.#rows.askers.length === 0 ? '' : this.#stage.parts.texts.explore.running);
    if (isTable) await this.#askTable(signal);
    else await this.#askGraph(signal);
    this.#poll.wake();
  }

  async #askTable(signal: AbortSignal): Promise<void> {
    this.#graph.leave();
    const { askers } = this.#rows;
    const { view, parts } = this.#stage;
    const time = view.kind === 'held' ? view.to : parts.serverTime.now();
    const found = await this.#asking.moment(askers, time, signal);
    if (signal.aborted) return;
    write(this.#hint, '');
    if (askers.length === 0) this.#table.clear();
    else this.#table.write(found, time, askers.length > 1);
  }

  async #askGraph(signal: AbortSignal): Promise<void> {
    const { askers } = this.#rows;
    const { view, parts } = this.#stage;
    const { explore: words } = parts.texts;
    if (askers.length === 0) {
      this.#graph.clear(words.nothing);
      return;
    }
    if (view.kind === 'held') {
      const still = await this.#asking.still(askers, { ...this.#stage.span, step: this.#steps.still(view.to - view.from) }, signal);
      if (signal.aborted) return;
      write(this.#hint, still.histograms === 0 ? '' : words.histograms(still.histograms, formatNumber(still.histograms, 0)));
      this.#graph.hold(still);
      return;
    }
    if (parts.link.state.kind !== 'live') {
      this.#waits = true;
      write(this.#hint, parts.link.state.kind === 'joining' ? words.running : words.notConnected);
      return;
    }
    const { step } = this.#stage;
    const asked = await this.#asking.live(askers, step, parts.serverTime.now(), signal);
    if (signal.aborted) return;
    write(this.#hint, '');
    this.#graph.follow(asked, step);
  }

  get #isLiveTable(): boolean {
    return this.#tabs.chosen === 't-table' && this.#stage.view.kind === 'live' && this.#stage.parts.link.state.kind === 'live' && this.#rows.askers.length > 0;
  }

  /** The table of a live page is asked anew each second, unless a question is on its way. */
  async #again(): Promise<void> {
    if (this.#isLiveTable) await this.#askTable(this.#turn.signal);
  }

  #showTime(): void {
    const { span, view } = this.#stage;
    const length = span.to - span.from;
    this.#time.show(span, view.kind === 'held' ? this.#steps.still(length) : this.#steps.live(length), this.#steps.own);
  }

  #showStretch({ from, to }: FixedStretch): boolean {
    const before = this.#stage.view;
    if (to > this.#stage.edge + 1000) return false;
    this.#stage.act({ kind: 'zoom', from, to });
    return this.#stage.view !== before;
  }

  get #state(): ExploreState {
    const { view, parts } = this.#stage;
    return {
      queries: this.#rows.queries, tab: this.#tabs.chosen === 't-table' ? 'table' : 'graph', range: parts.ranges[view.range]?.id ?? '',
      stretch: view.kind === 'held' ? { from: Math.round(view.from), to: Math.round(view.to) } : null, step: this.#steps.own,
    };
  }

  #keep(): void {
    const hash = hashOf(this.#state);
    if (hash !== location.hash) history.pushState(null, '', hash);
  }

  #restore(): void {
    const { ranges } = this.#stage.parts;
    const state = stateOf(location.hash, ranges.map(range => range.id));
    this.#restoring = true;
    this.#rows.show(state.queries);
    this.#tabs.choose(`t-${state.tab}`);
    this.#steps.own = state.step;
    this.#stage.act({ kind: 'range', range: ranges.findIndex(range => range.id === state.range) });
    if (state.stretch) this.#stage.act({ kind: 'zoom', ...state.stretch });
    this.#restoring = false;
    void this.run(false);
  }

  #wireButtons(root: Document): void {
    const { texts } = this.#stage.parts;
    const { signal } = this.#stop;
    const on = (selector: string, act: (button: HTMLElement) => void): void => {
      const button = need(selector, root);
      button.addEventListener('click', () => act(button), { signal });
    };
    on('[data-run]', () => void this.run(true));
    on('[data-panel-make]', () => this.#make.panel(this.#rows.exprs));
    on('[data-metrics]', () => this.#openMetrics(need('#metrics', root).hidden !== false));
    on('[data-metrics-close]', () => this.#openMetrics(false));
    on('[data-copy-link]', button => {
      history.replaceState(null, '', hashOf(this.#state));
      const word = button.querySelector('span');
      const before = word?.textContent ?? '';
      if (before === texts.copied) return;
      void navigator.clipboard.writeText(location.href).then(() => {
        write(word, texts.copied);
        setTimeout(() => write(word, before), SAID_MS);
      });
    });
  }

  #openMetrics(open: boolean): void {
    const [pane, button] = [need('#metrics', this.#main), need('[data-metrics]', this.#main)];
    pane.hidden = !open;
    this.#main.toggleAttribute('data-metrics-open', open);
    button.setAttribute('aria-expanded', String(open));
    if (open) void this.#metrics.open();
    else button.focus();
  }
}
