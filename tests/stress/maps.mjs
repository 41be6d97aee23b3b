// Who changes maps while others follow them, and the verdict at the end.
import { until } from '../web/support.mjs';
import { judgeMap } from './mapchecker.mjs';
import { MapLedger } from './mapledger.mjs';
import { MAP_HISTORY, mapModeOf } from './nodes.mjs';

const wait = ms => new Promise(resolve => setTimeout(resolve, ms));

/** How many keys each changer has in each map: few, so that each is changed often. */
const KEYS = 6;
/** What part of its changes are removals. */
const REMOVALS = 0.2;
/** Keys of a state, as readers of API answers and of clients have it: `[key, { offset, n }]`. */
export const entryOf = ({ key, offset, data }) => [key, { offset, n: numberOf(key, data) }];

/** The number of a value, or -1 where it is not what was sent. */
export function numberOf(key, { key: of, n, pad } = {}) {
  return of === key && typeof pad === 'string' && pad.endsWith(`.${n}`) ? n : -1;
}

/** Changes its own keys one after the other by the server API, and writes down what it is told. */
export class Changer {
  #isStopped = false;
  #done = null;
  wrong = [];

  constructor({ name, maps, random, ask, ledger, pause }) {
    Object.assign(this, { name, maps, random, ask, ledger, pause });
    // What is the same each time makes differences worth while.
    this.filling = random.text(120);
  }

  start() {
    this.#isStopped = false;
    this.#done = this.#run();
  }

  async stop() {
    this.#isStopped = true;
    await this.#done;
  }

  async #run() {
    while (!this.#isStopped) {
      await this.one(this.random.pick(this.maps));
      await wait(this.random.between(0, this.pause));
    }
  }

  /** Makes one change: puts a key, or removes one that was put before. */
  async one(channel) {
    const key = `${this.name}.${this.random.below(KEYS)}`;
    const isThere = this.ledger.channel(channel).keys.get(key)?.at(-1).removes === false;
    await this.make(channel, key, this.random.chance(REMOVALS) && isThere);
  }

  /** Makes this change. */
  async make(channel, key, removes) {
    const n = (this.ledger.channel(channel).keys.get(key)?.length ?? 0) + 1;
    const data = { key, n, pad: `${this.filling.slice(this.random.below(9))}.${n}` };
    const op = this.ledger.asks(channel, key, { n, removes, state: 'unsure', epoch: null, offset: null, asked: Date.now(), bytes: removes ? 0 : data.pad.length + key.length });
    try {
      const { epoch, offset = null, suppressed = false } = await (removes ? this.ask('map_remove', { channel, key }) : this.ask('map_publish', { channel, key, data }));
      if (suppressed && !removes) this.wrong.push({ verdict: 'refused', text: `${key} ${n} in ${channel} was put, and is said to be suppressed` });
      Object.assign(op, { state: suppressed ? 'none' : 'taken', epoch, offset, answered: Date.now() });
    } catch (error) {
      op.answered = Date.now();
      // What the server says no to; that it cannot now is 100.
      if (100 < error.code && error.code < 1_000) this.wrong.push({ verdict: 'refused', text: `${key} ${n} in ${channel}: ${error.message}` });
      await wait(20);
    }
  }
}

/** The maps of one round: who changes them, and what is wrong at the end. */
export class Maps {
  changers = [];

  constructor({ deployment, random, round, modeOf = mapModeOf }) {
    Object.assign(this, { deployment, random, round });
    this.ledger = new MapLedger(modeOf, MAP_HISTORY);
  }

  /** Starts so many, each at any node that runs, at each time anew. */
  change(count, { maps, pause = 12 }) {
    for (let i = 0; i < count; i++) {
      const name = `m${i}.${this.round}`;
      const ask = (method, body) => {
        const up = this.deployment.nodes.filter(node => node.isUp);
        return (up[i % up.length] ?? this.deployment.nodes[0]).api(method, body);
      };
      const changer = new Changer({ name, maps, random: this.random.fork(name), ask, ledger: this.ledger, pause });
      this.changers.push(changer);
      changer.start();
    }
  }

  async stop() {
    await Promise.all(this.changers.map(changer => changer.stop()));
  }

  /** Sums: changes that came and states that were read; see the ledger's. */
  figures(tracks) {
    const sum = of => tracks.reduce((total, track) => total + of(track), 0);
    return {
      ...this.ledger.counts(), 'changes came': sum(track => track.segments.reduce((total, { had }) => total + had.length, 0)),
      'maps recovered': sum(track => track.recovered), 'maps anew': sum(track => track.restarts),
    };
  }

  /** What the server has of a map: `{ epoch, offset, entries }`. */
  async #top(channel) {
    const { epoch, offset = 0, entries = [] } = await this.deployment.up().api('map_read_state', { channel, limit: -1 });
    return { epoch, offset, entries: entries.map(entryOf) };
  }

  /** Waits until all of `tracks` have what the server has, `ms` at most; gives what is wrong. */
  async settle(tracks, ms) {
    const tops = new Map();
    let behind = [];
    try {
      await until('all readers of maps have all', async () => {
        for (const channel of this.ledger.channels) tops.set(channel, await this.#top(channel));
        behind = tracks.filter(track => {
          const top = tops.get(track.channel);
          const { hasStream, tails } = this.ledger.channel(track.channel);
          const isAt = track.last && (!hasStream || (track.last.epoch === top.epoch && track.last.offset >= top.offset));
          // Who had something else at a place that was given again keeps it: that is judged below.
          if (isAt && hasStream && tails.length > 0) return false;
          return !isAt || top.entries.length !== track.now.size || top.entries.some(([key, { n }]) => track.now.get(key) !== n);
        });
        return behind.length === 0;
      }, ms);
    } catch { /* what is missing is told below */ }
    const wrong = behind.slice(0, 5).map(({ reader, channel, last }) => ({ verdict: 'behind', text: `${reader} in ${channel} is at ${last?.epoch}:${last?.offset}, the map at ${tops.get(channel)?.epoch}:${tops.get(channel)?.offset}` }));
    for (const [channel, top] of tops) wrong.push(...judgeMap(channel, tracks.filter(track => track.channel === channel), top, this.ledger));
    for (const changer of this.changers) wrong.push(...changer.wrong);
    return wrong;
  }
}
