// A reader: a real client of any kind behind a network of its own, and what it writes down.
import { clientFor, token } from '../web/clients.mjs';
import { Track } from './checker.mjs';
import { ABSENT, MapTrack } from './mapledger.mjs';
import { entryOf, numberOf } from './maps.mjs';
import { PING_DELAY_MAX_MS, SECRET } from './nodes.mjs';
import { Proxy } from './proxy.mjs';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const unpacked = data => (data instanceof Uint8Array ? JSON.parse(decoder.decode(data)) : data);

/** The socket of Node 20 says nothing of its end when it was never open: then the client would wait for its own deadline. */
class Web extends WebSocket {
  constructor(...given) {
    super(...given);
    let isOver = false;
    this.addEventListener('open', () => { isOver = true; });
    this.addEventListener('close', () => { isOver = true; });
    this.addEventListener('error', () => setTimeout(() => {
      if (!isOver) this.dispatchEvent(Object.assign(new Event('close'), { code: 1006, reason: '', wasClean: false }));
    }));
  }
}

/** A client behind a network of its own, whose subscriptions write down what they are given. */
export class Reader {
  tracks = new Map();
  /** Of maps. */
  mapTracks = new Map();
  /** Codes with which its connection ended. */
  codes = [];
  connects = 0;
  /** Errors that no scenario expects. */
  wrong = [];
  /** Channels that the server subscribed it to, on this connection. */
  #served = new Set();

  /**
   * `channels` are names, `maps` have options: `{ channel, pageSize, delta }`; `user` is empty for a page of watchroom's own, which has no token. `isServed`: the server
   * subscribes it, by its token.
   */
  static async behind(scope, { name, node, way, channels, maps = [], user = name, person = null, isServed = false }) {
    const reader = new Reader();
    Object.assign(reader, { name, node, way, isServed, door: await Proxy.to(scope, node.port) });
    const options = {
      ...(user ? { token: token({ sub: user, ...(isServed ? { channels } : {}) }, SECRET) } : {}), ...(person ? { data: reader.pack({ person }) } : {}),
      websocket: Web, minReconnectDelay: 5, maxReconnectDelay: 60, timeout: 3_000, maxServerPingDelay: PING_DELAY_MAX_MS,
    };
    reader.client = clientFor(scope, reader.door, way, options);
    reader.client.on('connected', () => { reader.connects++; });
    reader.client.on('connecting', ({ code }) => { if (reader.connects > 0) reader.codes.push(code); });
    reader.client.on('disconnected', ({ code, reason }) => { if (code !== 0) reader.wrong.push({ verdict: 'ended', text: `${name}: ${code} ${reason}` }); });
    for (const channel of channels) {
      const track = new Track(`${name} (${way.way}${isServed ? ', served' : ''})`, channel);
      reader.tracks.set(channel, track);
      if (!isServed) reader.#subscribe(channel, track);
    }
    if (isServed) reader.#take();
    for (const map of maps) reader.#follow(map);
    return reader;
  }

  /** Writes down what comes of the server's own subscriptions. */
  #take() {
    this.client.on('subscribed', ({ channel, ...context }) => {
      this.#served.add(channel);
      this.#begun(this.tracks.get(channel), context);
    });
    this.client.on('connecting', () => this.#served.clear());
    this.client.on('publication', ({ channel, offset, data }) => this.tracks.get(channel).publication(offset, this.mark(unpacked(data))));
    this.client.on('unsubscribed', ({ channel }) => this.wrong.push({ verdict: 'ended', text: `${this.name} in ${channel}` }));
  }

  #begun(track, { wasRecovering, recovered, streamPosition }) {
    track.subscribed({ wasRecovering, recovered, position: streamPosition ?? { epoch: '', offset: 0 } });
  }

  #subscribe(channel, track) {
    const options = { minResubscribeDelay: 20, maxResubscribeDelay: 200 };
    if (channel.startsWith('delta:')) options.delta = 'fossil';
    if (channel.startsWith('asked:')) Object.assign(options, { recoverable: true, positioned: true });
    const subscription = this.client.newSubscription(channel, options);
    subscription.on('subscribed', context => this.#begun(track, context));
    subscription.on('publication', ({ offset, data }) => track.publication(offset, this.mark(unpacked(data))));
    subscription.on('unsubscribed', ({ code, reason }) => { if (code !== 0) this.wrong.push({ verdict: 'ended', text: `${this.name} in ${channel}: ${code} ${reason}` }); });
    subscription.subscribe();
  }

  #follow({ channel, ...options }) {
    const track = new MapTrack(`${this.name} (${this.way.way}${options.delta ? ', differences' : ''}${options.pageSize ? `, pages of ${options.pageSize}` : ''})`, channel);
    this.mapTracks.set(channel, track);
    const subscription = this.client.newMapSubscription(channel, { minResubscribeDelay: 20, maxResubscribeDelay: 200, ...options });
    subscription.on('subscribed', ({ recovered, streamPosition = null }) => track.subscribed({ recovered, position: streamPosition }));
    subscription.on('sync', ({ entries }) => track.synced(entries.map(({ data, ...entry }) => entryOf({ ...entry, data: unpacked(data) }))));
    subscription.on('update', ({ key, offset, removed, data }) => track.changed({ key, offset, n: removed ? ABSENT : numberOf(key, unpacked(data)) }));
    subscription.on('unsubscribed', ({ code, reason }) => { if (code !== 0) this.wrong.push({ verdict: 'ended', text: `${this.name} in ${channel}: ${code} ${reason}` }); });
    subscription.subscribe();
  }

  /** The mark of what came, or what shows that it is not what was sent. */
  mark({ by, n, pad, type, text }) {
    if (type === 'comment') return text.split('|')[0];
    return typeof pad === 'string' && pad.endsWith(`.${n}`) ? `${by} ${n}` : `damaged ${by} ${n}`;
  }

  pack(value) {
    return this.way.binary ? encoder.encode(JSON.stringify(value)) : value;
  }

  get isConnected() {
    return this.client.state === 'connected';
  }

  get isSubscribed() {
    return [...this.tracks.keys()].every(channel => (this.isServed ? this.#served.has(channel) : this.client.getSubscription(channel).state === 'subscribed'))
      && [...this.mapTracks.keys()].every(channel => this.client.getMapSubscription(channel).state === 'subscribed');
  }

  /** Leaves a channel and comes back to it, on the same connection. */
  again(random) {
    if (!this.isSubscribed) return;
    const own = [...(this.isServed ? [] : this.tracks.keys()), ...this.mapTracks.keys()];
    if (own.length === 0) return;
    const channel = random.pick(own);
    const subscription = this.client.getSubscription(channel) ?? this.client.getMapSubscription(channel);
    subscription.unsubscribe();
    subscription.subscribe();
  }

  async call(method, data) {
    const reply = await this.client.rpc(method, this.pack(data));
    return unpacked(reply.data);
  }

  /** Loses its connection in one of the ways that there are; `random` chooses. */
  async lose(random) {
    const how = random.pick(this.tracks.size > 0 ? ['reset', 'frame', 'close', 'api'] : ['reset', 'close']);
    if (how === 'reset') this.door.cut();
    else if (how === 'frame') {
      this.door.cutAfter(random.between(1, 400));
      // Where nothing more comes, nothing would be cut.
      setTimeout(() => this.door.cut(), 30);
    } else if (how === 'close') this.client._transport?.close();
    else await this.node.api('disconnect', { user: this.name, disconnect: { code: 3200, reason: 'lose it' } }).catch(() => this.door.cut());
    return how;
  }

  /** Comes in by another node from now on. */
  moveTo(node) {
    this.node = node;
    this.door.port = node.port;
    // What is open still would go on with the other one, as the requests that client libraries keep for later do.
    this.door.cut();
  }

  stop() {
    this.client.disconnect();
    this.client.removeAllListeners();
    this.door.cut();
  }
}
