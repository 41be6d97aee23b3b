// Each node as a band of numbers: how it is, and what it does.
import { shown } from '../data/names';
import { formatNumber, NBSP, NONE } from '../format/number';
import { duration } from '../format/time';
import { el, icon, iconHref, write } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { NodeNow } from './fleet';
import { bytes, cost, count, kibi, perSecond } from './words';

/** A number of a band: its value, its unit, and a second number after it. */
type Part = readonly [value: string, unit: string];

const FACTS = ['connections', 'channels', 'deliveries', 'publications', 'cost', 'waiting', 'closed', 'slowed', 'dropped', 'refused', 'memory', 'cpu'] as const;
type Fact = (typeof FACTS)[number];

/** Splits what is written with its unit. */
function split(written: string): Part {
  const [value = NONE, unit = ''] = written.split(NBSP);
  return [value, unit];
}

/** Gives what each number of a node says. */
export function factsOf(node: NodeNow, texts: Texts): Readonly<Record<Fact, Part>> {
  const { view, rates } = node;
  const { node: words } = texts.server;
  const share = rates?.cpu ?? null;
  const rate = (of: number | undefined): Part => [perSecond(of ?? null), of === undefined ? '' : texts.perSecond];
  return {
    connections: [count(view.connections), words.users(view.users, count(view.users))],
    channels: [count(view.channels), words.subscriptions(view.subscriptions, count(view.subscriptions))],
    deliveries: rate(rates?.deliveries), publications: rate(rates?.publications), cost: cost(node.cost),
    waiting: split(kibi(view.queueBytes)), closed: [count(view.closedSlow), ''], slowed: [count(view.slowed), words.times(view.slowed)],
    dropped: [count(view.stepsDropped), words.signals(view.signalsDropped, count(view.signalsDropped))], refused: [count(view.refused), ''],
    memory: view.memory === 0 ? [NONE, ''] : split(bytes(view.memory)), cpu: share === null ? [NONE, ''] : [formatNumber(share * 100, 1), words.ofCore],
  };
}

/** Says how a node is, and whether that is as it should be. */
export function stateOf(node: NodeNow, here: string, now: number, texts: Texts): { readonly glyph: string; readonly words: string; readonly old: boolean } {
  const { node: words } = texts.server;
  const length = duration(now - (node.silentSince ?? now), texts.units);
  if (node.gone) return { glyph: 'g-none', words: words.gone(length), old: true };
  if (node.silentSince !== null) return { glyph: 'g-none', words: words.silent(length), old: true };
  return { glyph: 'g-ok', words: node.view.node === here ? words.here : words.answers, old: false };
}

class Band {
  readonly element: HTMLElement;
  readonly #texts: Texts;
  readonly #mark: SVGElement = icon('g-ok');
  readonly #state = el('span');
  readonly #about = el('span', { class: 'hint' });
  readonly #old: HTMLElement;
  readonly #values = new Map<Fact, readonly [value: HTMLElement, unit: HTMLElement]>();
  #glyph = 'g-ok';

  constructor(node: string, id: string, texts: Texts) {
    this.#texts = texts;
    const { node: words } = texts.server;
    this.#old = el('span', { class: 'hint' }, words.old);
    const facts = el('dl', { class: 'stats', 'data-count': '6' }, ...FACTS.map(fact => {
      const parts = [el('span'), el('span', { class: 'unit' })] as const;
      this.#values.set(fact, parts);
      return el('div', { class: 'stat', 'data-fact': fact }, el('dt', {}, words.facts[fact]), el('dd', {}, el('span', { class: 'stat-value' }, ...parts)));
    }));
    this.element = el('section', { class: 'node', 'aria-labelledby': id },
      el('header', {}, el('h2', { id }, shown(node)), el('p', { class: 'chip' }, this.#mark, this.#state), this.#about, this.#old), facts);
  }

  write(node: NodeNow, here: string, now: number): void {
    const { node: words } = this.#texts.server;
    const state = stateOf(node, here, now, this.#texts);
    if (state.glyph !== this.#glyph) this.#mark.firstElementChild?.setAttribute('href', iconHref(state.glyph));
    this.#glyph = state.glyph;
    this.element.classList.toggle('is-old', state.old);
    write(this.#state, state.words);
    this.#old.hidden = !state.old;
    write(this.#about, [words.version(shown(node.view.version)), words.up(duration(node.view.uptime * 1000, this.#texts.units))].join(', '));
    const facts = factsOf(node, this.#texts);
    for (const [fact, [value, unit]] of this.#values) {
      write(value, facts[fact][0]);
      write(unit, facts[fact][1]);
    }
  }
}

export class NodeBands {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  readonly #bands = new Map<string, Band>();
  #made = 0;

  constructor(box: HTMLElement, texts: Texts) {
    this.#box = box;
    this.#texts = texts;
  }

  write(nodes: readonly NodeNow[], here: string, now: number): void {
    if (this.#made === 0) this.#box.replaceChildren();
    const names = new Set(nodes.map(node => node.view.node));
    for (const [name, band] of this.#bands) {
      if (names.has(name)) continue;
      band.element.remove();
      this.#bands.delete(name);
    }
    nodes.forEach((node, i) => {
      const { node: name } = node.view;
      const band = this.#bands.get(name) ?? new Band(name, `node-${++this.#made}`, this.#texts);
      this.#bands.set(name, band);
      if (this.#box.children[i] !== band.element) this.#box.insertBefore(band.element, this.#box.children[i] ?? null);
      band.write(node, here, now);
    });
  }
}
