// What is published and read in one round: publishers, readers, and the verdict on both.
import { WAYS } from '../web/clients.mjs';
import { until } from '../web/support.mjs';
import { Ledger, judgeStream } from './checker.mjs';
import { Maps } from './maps.mjs';
import { historyOf } from './nodes.mjs';
import { Reader } from './reader.mjs';

export const wait = ms => new Promise(resolve => setTimeout(resolve, ms));

/** How long readers may take to have everything once all is well again, ms. */
const SETTLE_MS_MAX = 15_000;

/** Whether the server says no, and not that it cannot now (100): codes below are the client library's own. */
const isRefusal = ({ code }) => 100 < code && code < 1_000;

/** Publishes one after the other, and writes down what it is told. */
class Publisher {
  #numbers = new Map();
  #isStopped = false;
  #done = null;
  sent = 0;
  /** Answers that no scenario expects. */
  wrong = [];
  /** Whether it must not try again any more. */
  isGivenUp = false;

  constructor({ name, channels, random, send, ledger, pause, length }) {
    Object.assign(this, { name, channels, random, send, ledger, pause, length });
    // What is the same each time makes differences worth while.
    this.filling = random.text(length);
  }

  start() {
    this.#isStopped = false;
    this.#done = this.#run();
  }

  async stop() {
    this.#isStopped = true;
    const last = setTimeout(() => { this.isGivenUp = true; }, SETTLE_MS_MAX);
    await this.#done;
    clearTimeout(last);
  }

  async #run() {
    while (!this.#isStopped) {
      await this.one(this.random.pick(this.channels));
      await wait(this.random.between(0, this.pause));
    }
  }

  /** Publishes one. */
  async one(channel) {
    const n = (this.#numbers.get(channel) ?? 0) + 1;
    this.#numbers.set(channel, n);
    const data = { by: this.name, n, pad: `${this.filling.slice(this.random.below(9))}.${n}` };
    const asked = Date.now();
    const mark = `${this.name} ${n}`;
    this.sent++;
    try {
      const { epoch = null, offset = null } = await this.send(channel, data, mark) ?? {};
      this.ledger.took(channel, { mark, epoch, offset, asked, answered: Date.now(), bytes: data.pad.length });
    } catch (error) {
      this.ledger.unsure(channel, mark, { asked, answered: Date.now() });
      if (isRefusal(error)) this.wrong.push({ verdict: 'refused', text: `${mark} in ${channel}: ${error.message}` });
      await wait(20);
    }
  }
}

/** One of the maps, in one of the ways to read it where none is given. */
function followed(random, maps) {
  if (maps.length === 0) return [];
  const map = random.pick(maps);
  if (map.channel) return [map];
  const [channel, pageSize, isDelta] = [map, random.pick([0, 2, 5]), random.chance(0.4)];
  return [{ channel, ...(pageSize ? { pageSize } : {}), ...(isDelta && !channel.startsWith('ephemeral') ? { delta: 'fossil' } : {}) }];
}

/** Names one round's publishers apart from those of all others. */
let rounds = 0;

/** All that reads and writes in one round of a scenario. */
export class Stream {
  readers = [];
  publishers = [];
  #scope;
  #started = 0;

  constructor(scope, { deployment, random, historyIn = historyOf }) {
    this.#scope = scope;
    this.deployment = deployment;
    this.random = random;
    this.ledger = new Ledger(historyIn);
    this.round = ++rounds;
    this.maps = new Maps({ deployment, random: random.fork('maps'), round: this.round });
  }

  /**
   * Starts so many readers, each of some channels and one of the maps, spread over nodes and ways by the seed; returns when
   * all are subscribed. A map may have the options to follow it with: `{ channel, pageSize, delta }`.
   */
  async read({ count, channels, each = 2, maps = [], nodes = this.deployment.nodes, ways = WAYS, rooms = false }) {
    const random = this.random.fork('readers');
    const turn = random.below(ways.length);
    const started = [];
    for (let i = 0; i < count; i++) {
      // Every way in is there, and every node.
      const [name, way, node] = [`r${this.#started++}.${this.round}`, ways[(turn + i) % ways.length], nodes[i % nodes.length]];
      const person = rooms ? { id: `reader-${i}`, name: `Reader ${i}` } : null;
      // A token can ask for no differences, and for no recovery where it is not given unasked.
      const plain = channels.filter(channel => channel.startsWith('kept:'));
      const isServed = i % 4 === 3 && plain.length > 0;
      const own = random.some(isServed ? plain : channels, each);
      started.push(await Reader.behind(this.#scope, { name, way, node, channels: own, maps: followed(random, maps), user: rooms ? '' : name, person, isServed }));
    }
    this.readers.push(...started);
    for (const reader of started) reader.client.connect();
    await until('all are subscribed', () => started.every(reader => reader.isSubscribed));
    return started;
  }

  /** Adds a publisher; `send` gives where the publication was put. */
  #publisher(name, { channels, send, pause = 8, length = 200 }) {
    const publisher = new Publisher({ name: `${name}.${this.round}`, channels, random: this.random.fork(name), send, ledger: this.ledger, pause, length });
    this.publishers.push(publisher);
    publisher.start();
    return publisher;
  }

  /** Starts so many that publish by the server API; each at the node that `nodeOf` gives, at each time anew. */
  byApi(count, { nodeOf = i => { const up = this.deployment.nodes.filter(node => node.isUp); return up[i % up.length] ?? this.deployment.nodes[0]; }, ...options }) {
    for (let i = 0; i < count; i++) {
      const send = (channel, data) => nodeOf(i).api('publish', { channel, data, ...(channel.startsWith('delta:') ? { delta: true } : {}) });
      this.#publisher(`api${i}`, { ...options, send });
    }
  }

  /** Starts as many that publish as clients: those of `clients`. */
  async byClients(count, options) {
    const writers = [];
    for (let i = 0; i < count; i++) {
      const node = this.deployment.nodes[i % this.deployment.nodes.length];
      const writer = await Reader.behind(this.#scope, { name: `w${i}.${this.round}`, way: WAYS[(i + this.round) % WAYS.length], node, channels: [] });
      this.readers.push(writer);
      writers.push(writer);
      writer.client.connect();
      await writer.client.ready(10_000);
      const send = async (channel, data) => { await writer.client.publish(channel, writer.pack(data)); };
      this.#publisher(`client${i}`, { ...options, send });
    }
    return writers;
  }

  /** Starts people who talk in a room; a comment whose answer was lost is said again until there is one. */
  async byPeople(count, { room, pause = 30 }) {
    const writers = [];
    for (let i = 0; i < count; i++) {
      const node = this.deployment.nodes[i % this.deployment.nodes.length];
      const person = { id: `talker-${i}`, name: `Talker ${i}` };
      const writer = await Reader.behind(this.#scope, { name: `w${i}.${this.round}`, way: WAYS[i % 2], node, channels: [], user: '', person });
      this.readers.push(writer);
      writers.push(writer);
      writer.client.connect();
      await writer.client.ready(10_000);
      const publisher = this.#publisher(`person${i}`, {
        channels: [`@room:${room}`], pause, send: async (channel, data, mark) => {
          for (;;) {
            try {
              const { offset } = await writer.call('say', { room, id: mark.replace(' ', ':'), text: `${mark}|${data.pad}` });
              return { offset, epoch: null };
            } catch (error) {
              if (publisher.isGivenUp) throw error;
              await wait(error.code === 111 ? 100 : 30);
            }
          }
        },
      });
    }
    return writers;
  }

  /** From now on what servers kept may be gone: see the ledgers. `values`: what persistent maps hold, too. */
  forgot({ epoch, values = true }) {
    this.ledger.forgot({ epoch });
    this.maps.ledger.forgot({ epoch, values });
  }

  /** A failover may have taken what was answered from `from` to `to` of these channels and maps. */
  failedOver(tail, { channels, maps }) {
    for (const name of channels) this.ledger.channel(name).tails.push(tail);
    for (const name of maps) this.maps.ledger.channel(name).tails.push(tail);
  }

  /** Waits until something was taken in each of these since `from`. */
  async untilTaken(from, { channels, maps }) {
    const isTaken = name => this.ledger.channel(name).acks.findLast(ack => from < ack.asked);
    const isChanged = name => this.maps.ledger.channel(name).ops.some(op => op.state === 'taken' && from < op.asked);
    await until('each channel takes something', () => channels.every(isTaken) && maps.every(isChanged), 20_000);
  }

  /** How many were published so far. */
  get published() {
    return this.publishers.reduce((sum, publisher) => sum + publisher.sent, 0);
  }

  /** Lets them publish until there are so many more. */
  async more(count) {
    const before = this.published;
    await until(`${count} more publications`, () => this.published >= before + count, 30_000);
  }

  /** Ends the publishing; waits until every reader has all there is; gives what is wrong, and closes all. */
  async settle() {
    await Promise.all([...this.publishers.map(publisher => publisher.stop()), this.maps.stop()]);
    const tops = new Map();
    let behind = [];
    const tracks = this.readers.flatMap(reader => [...reader.tracks.values()]);
    try {
      await until('all readers have all', async () => {
        behind = this.readers.filter(reader => !reader.isSubscribed).map(reader => `${reader.name} is not subscribed`);
        if (behind.length > 0) return false;
        for (const channel of new Set(tracks.map(track => track.channel))) {
          const asker = this.readers.find(reader => reader.tracks.has(channel));
          const { offset, epoch } = await asker.client.history(channel, { limit: 0 });
          tops.set(channel, { offset, epoch });
        }
        behind = tracks.filter(({ channel, last }) => last.epoch !== tops.get(channel).epoch || last.offset < tops.get(channel).offset)
          .map(({ reader, channel, last }) => `${reader} in ${channel} is at ${last.epoch}:${last.offset} of ${tops.get(channel).epoch}:${tops.get(channel).offset}`);
        return behind.length === 0;
      }, SETTLE_MS_MAX);
    } catch { /* what is missing is told below */ }
    const mapTracks = this.readers.flatMap(reader => [...reader.mapTracks.values()]);
    const ofMaps = await this.maps.settle(mapTracks, SETTLE_MS_MAX);
    const wrong = behind.slice(0, 5).map(text => ({ verdict: 'behind', text }));
    for (const track of tracks) wrong.push(...track.judge(tops.get(track.channel), this.ledger));
    for (const channel of tops.keys()) wrong.push(...judgeStream(channel, tracks.filter(track => track.channel === channel), this.ledger));
    wrong.push(...ofMaps);
    for (const publisher of this.publishers) wrong.push(...publisher.wrong);
    for (const reader of this.readers) {
      wrong.push(...reader.wrong);
      reader.stop();
    }
    return wrong;
  }

  /** Sums over all tracks: publications that came, recoveries, losses that were told. */
  figures() {
    const tracks = this.readers.flatMap(reader => [...reader.tracks.values()]);
    const sum = of => tracks.reduce((total, track) => total + of(track), 0);
    return {
      ...this.ledger.counts(),
      came: sum(track => track.segments.reduce((total, { had }) => total + had.length, 0)),
      recovered: sum(track => track.recovered), refused: sum(track => track.losses.length),
      ...(this.maps.changers.length > 0 ? this.maps.figures(this.readers.flatMap(reader => [...reader.mapTracks.values()])) : {}),
      reconnects: this.readers.reduce((total, reader) => total + Math.max(0, reader.connects - 1), 0),
    };
  }
}
