// The live pill and what it opens: the state of the link, the delay, the rate, the gaps.
import type { View } from '../data/view';
import { formatNumber, NBSP } from '../format/number';
import { clock, duration } from '../format/time';
import { el, need, write } from './dom';
import type { SessionLog } from './sessionlog';
import type { Stage, ViewWatcher } from './stage';

const WRITE_EVERY_MS = 1000;

/** What the page is, for the facts that the pill opens. */
export interface About {
  readonly node: string;
  readonly version: string;
  readonly panels: () => number;
}

type Facts = readonly (readonly [string, string])[];

export class LivePill implements ViewWatcher {
  readonly #stage: Stage;
  readonly #log: SessionLog;
  readonly #about: About;
  readonly #pill: HTMLElement;
  readonly #main: HTMLElement;
  readonly #more: HTMLElement;
  readonly #facts: HTMLElement;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(root: ParentNode, stage: Stage, log: SessionLog, about: About) {
    this.#stage = stage;
    this.#log = log;
    this.#about = about;
    this.#pill = need('.live-pill', root);
    this.#main = need('.main', this.#pill);
    this.#more = need('.more', this.#pill);
    this.#facts = need('#link-facts dl', root);
  }

  start(): void {
    this.#stage.watchers.add(this);
    this.#timer = setInterval(() => this.say(), WRITE_EVERY_MS);
    this.say();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stage.watchers.delete(this);
  }

  viewChanged(_view: View): void {
    this.say();
  }

  say(): void {
    const { link, texts, pulse } = this.#stage.parts;
    const { state } = link;
    const delay = pulse.delay === null ? '' : `${formatNumber(pulse.delay, 0)}${NBSP}${texts.ms}`;
    const gaps = this.#log.gaps;
    write(this.#more, state.kind === 'live' ? `${formatNumber(pulse.rate, 0)}${texts.perSecond}${gaps === 0 ? '' : ` · ${texts.gaps(gaps)}`}` : '');
    if (state.kind === 'lost') this.#show('lost', texts.notConnected(duration(Date.now() - state.since, texts.units)));
    else if (this.#stage.view.kind === 'held') this.#show('paused', texts.pausedAt(clock(this.#stage.view.to)));
    else if (state.kind === 'joining') this.#show('joining', ['', texts.joining]);
    else if (state.slowed !== null) this.#show('live', [texts.slowedTo(duration(state.slowed.step, texts.units)), delay]);
    else this.#show('live', delay === '' ? ['', texts.live] : [`${texts.live} · `, delay]);
    this.#list();
  }

  #show(link: string, [word, rest]: readonly [string, string]): void {
    this.#pill.dataset['link'] = link;
    write(this.#main.firstElementChild, word);
    write(this.#main.lastElementChild, rest);
  }

  #list(): void {
    const facts = this.#lines();
    if (this.#facts.childElementCount !== facts.length * 2) {
      this.#facts.replaceChildren(...facts.flatMap(([name]) => [el('dt', {}, name), el('dd')]));
    }
    facts.forEach(([, value], i) => write(this.#facts.children[i * 2 + 1], value));
  }

  #lines(): Facts {
    const { link, texts, pulse } = this.#stage.parts;
    const { link: words } = texts;
    const { state } = link;
    const state_ = state.kind === 'joining' ? words.joining : state.kind === 'lost' ? words.lostSince(clock(state.since))
      : state.slowed === null ? words.liveSince(clock(state.since)) : words.slowed(duration(state.slowed.step, texts.units));
    return [
      [words.state, state_],
      [words.delay, pulse.delay === null ? words.unknown : words.delayText(Math.round(pulse.delay))],
      [words.rate, words.rateText(formatNumber(pulse.rate, 0), this.#about.panels())],
      [words.gaps, this.#log.gapWords || words.noGaps],
      [words.node, words.version(this.#about.node, this.#about.version)],
    ];
  }
}
