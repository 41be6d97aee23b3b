// The nodes: what each does a second, which are silent, and what all do together.
import type { FleetView, NodeView } from '../wire/server';
import { Rates } from './rates';

/** Rates are read at a glance: two seconds are calm enough. Processor time is counted in steps of 10 ms, and needs more. */
const RATE_MS = 2_000;
const COST_MS = 10_000;
/** A node whose figures stand still this long is silent, ms. */
const SILENT_MS = 5_000;
/** A first answer may be of a node whose clock is this far behind, ms. */
const SKEW_MAX_MS = 10_000;
/** A node that is told of no more stays this long, ms: nodes come and go in a cluster. */
const GONE_MS = 3_600_000;

export interface NodeRates {
  readonly deliveries: number;
  readonly publications: number;
  readonly closedSlow: number;
  /** Share of a core, 1 for all of one; null where the system does not tell. */
  readonly cpu: number | null;
}

/** A node as it is known now. */
export interface NodeNow {
  readonly view: NodeView;
  /** Null until it has answered twice. */
  readonly rates: NodeRates | null;
  /** Processor time of a delivery, µs; null where nothing was delivered. */
  readonly cost: number | null;
  /** Since when it says nothing, ms by the clock of this page's server; null while it answers. */
  readonly silentSince: number | null;
  /** Whether the others do not tell of it any more. */
  readonly gone: boolean;
}

/** All nodes that answer, together. What is null is not known yet. */
export interface Sums {
  readonly connections: number;
  readonly deliveries: number | null;
  readonly publications: number | null;
  readonly waiting: number;
  /** Since the nodes started. */
  readonly closedSlow: number;
  /** And how many a second now. */
  readonly closing: number | null;
  /** Processor time of a delivery, µs. */
  readonly cost: number | null;
}

interface Heard {
  readonly seen: number;
  readonly at: number;
}

function totalsOf(node: NodeView): readonly number[] {
  return [node.deliveries, node.publications, node.closedSlow, node.cpu];
}

function costOf(grown: readonly number[] | undefined): number | null {
  const [deliveries = 0, , , cpu = 0] = grown ?? [];
  return deliveries > 0 && cpu > 0 ? (cpu / deliveries) * 1000 : null;
}

export class Fleet {
  readonly #rates = new Rates(RATE_MS);
  readonly #costs = new Rates(COST_MS);
  readonly #heard = new Map<string, Heard>();
  readonly #views = new Map<string, NodeView>();
  #told: ReadonlySet<string> = new Set();
  #here = '';
  #now = 0;

  /** The node that answers this page; empty before its first answer. */
  get here(): string {
    return this.#here;
  }

  /** Takes an answer; its own clock says when it was. */
  take(answer: FleetView): void {
    this.#here = answer.node;
    this.#now = answer.now;
    this.#told = new Set(answer.nodes.map(node => node.node));
    for (const view of answer.nodes) this.#one(view, answer.now);
    for (const [node, heard] of this.#heard) {
      if (this.#told.has(node) || answer.now - heard.at < GONE_MS) continue;
      this.#heard.delete(node);
      this.#views.delete(node);
    }
    const known = new Set(this.#views.keys());
    this.#rates.keep(known);
    this.#costs.keep(known);
  }

  /** Gives all nodes by their names, the one that answers first. */
  get nodes(): readonly NodeNow[] {
    const names = [...this.#views.keys()].sort((a, b) => Number(b === this.#here) - Number(a === this.#here) || (a < b ? -1 : 1));
    return names.map(name => this.#views.get(name)).filter(view => view !== undefined).map(view => this.#nowOf(view));
  }

  /** Gives what the nodes that answer do together. */
  get sums(): Sums {
    const nodes = this.nodes.filter(node => node.silentSince === null);
    const sum = (of: (view: NodeView) => number): number => nodes.reduce((all, node) => all + of(node.view), 0);
    const known = nodes.filter(node => node.rates !== null);
    const rate = (of: (rates: NodeRates) => number): number | null => (known.length === 0 ? null : known.reduce((all, node) => all + (node.rates ? of(node.rates) : 0), 0));
    return {
      connections: sum(view => view.connections), deliveries: rate(rates => rates.deliveries), publications: rate(rates => rates.publications),
      waiting: sum(view => view.queueBytes), closedSlow: sum(view => view.closedSlow), closing: rate(rates => rates.closedSlow), cost: this.#cost(nodes),
    };
  }

  #one(view: NodeView, now: number): void {
    const before = this.#heard.get(view.node);
    const first = now - view.seen > SKEW_MAX_MS ? view.seen : now;
    if (before?.seen !== view.seen) this.#heard.set(view.node, { seen: view.seen, at: before ? now : first });
    this.#views.set(view.node, view);
    this.#rates.take(view.node, view.seen, totalsOf(view));
    this.#costs.take(view.node, view.seen, totalsOf(view));
  }

  #nowOf(view: NodeView): NodeNow {
    const heard = this.#heard.get(view.node)?.at ?? this.#now;
    const gone = !this.#told.has(view.node);
    const silentSince = gone || this.#now - heard >= SILENT_MS ? heard : null;
    const [deliveries = 0, publications = 0, closedSlow = 0, cpu = 0] = this.#rates.of(view.node) ?? [];
    const rates = silentSince !== null || this.#rates.of(view.node) === null ? null : { deliveries, publications, closedSlow, cpu: view.cpu === 0 ? null : cpu / 1000 };
    return { view, rates, cost: silentSince === null ? costOf(this.#costs.growth(view.node)?.grown) : null, silentSince, gone };
  }

  /** Processor time of all, by the deliveries of all. */
  #cost(nodes: readonly NodeNow[]): number | null {
    const grown = nodes.map(node => this.#costs.growth(node.view.node)?.grown).filter(one => one !== undefined);
    return costOf(totalsOfAll(grown));
  }
}

function totalsOfAll(grown: readonly (readonly number[])[]): readonly number[] {
  return [0, 1, 2, 3].map(i => grown.reduce((all, one) => all + (one[i] ?? 0), 0));
}
