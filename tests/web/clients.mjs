// Clients of Centrifugo in Node: a configuration, tokens, the server API, each transport, and a socket without a client.
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownServer, until } from './support.mjs';

const require = createRequire(new URL('../../static/package.json', import.meta.url));
const { Centrifuge } = require('centrifuge');
const { Centrifuge: CentrifugeProtobuf } = require('centrifuge/build/protobuf');

const SECRET = 'secret of the tests';
const API_KEY = 'key-of-the-tests';

const anyone = { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true };
const history = { history_size: 5, history_ttl: '300s' };

/** What most tests need: who may do what is said by the namespace. */
const CONFIG = {
  client: {
    token: { hmac_secret_key: SECRET },
    allow_anonymous_connect_without_token: true,
    allowed_origins: ['https://friend.example'],
    expired_close_delay: '1s',
    channel_limit: 10,
    subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'personal' },
  },
  http_server: { address: '127.0.0.1' },
  http_api: { key: API_KEY },
  sse: { enabled: true },
  http_stream: { enabled: true },
  channel: {
    without_namespace: { allow_user_limited_channels: true },
    namespaces: [
      { name: 'personal' },
      { name: 'open', ...anyone, allow_publish_for_subscriber: true, allow_publish_for_anonymous: true },
      { name: 'users', allow_subscribe_for_client: true },
      {
        name: 'room', ...anyone, ...history, force_recovery: true, presence: true, join_leave: true, force_push_join_leave: true,
        allow_publish_for_client: true, allow_presence_for_subscriber: true, allow_history_for_subscriber: true,
        allow_publish_for_anonymous: true, allow_presence_for_anonymous: true, allow_history_for_anonymous: true,
      },
      { name: 'asked', ...anyone, ...history, allow_recovery: true, allow_positioning: true },
      { name: 'cache', ...anyone, ...history, history_size: 1, force_recovery: true, force_recovery_mode: 'cache' },
      { name: 'delta', ...anyone, ...history, force_recovery: true, allowed_delta_types: ['fossil'], delta_publish: true },
      { name: 'tags', ...anyone, ...history, allow_recovery: true, allow_tags_filter: true },
      { name: 'short', ...anyone, channel_regex: '^[a-z]{2,4}$' },
      { name: 'object', ...anyone, allow_publish_for_client: true, allow_publish_for_anonymous: true, publication_data_format: 'json_object' },
      { name: 'binary', ...anyone, publication_data_format: 'binary' },
    ],
  },
};

const values = { mode: 'recoverable', key_ttl: '300s', min_page_size: 1 };
const users = { allow_subscribe_for_client: true };
const may = { allow_publish_for_client: true, allow_remove_for_client: true };

/** The same with maps: what they keep and who may do what is said by the namespace. */
export const mapsConfig = {
  ...CONFIG,
  client: { ...CONFIG.client, presence_update_interval: '1s' },
  channel: {
    namespaces: [
      { name: 'personal' },
      { name: 'open', ...anyone },
      { name: 'map', ...users, allow_tags_filter: true, subscription_type: 'map', map: { ...values, ...may, stream_size: 10, subscribe_catch_up_timeout: '1s' } },
      { name: 'delta', ...users, allowed_delta_types: ['fossil'], delta_publish: true, subscription_type: 'map', map: values },
      { name: 'eph', ...users, subscription_type: 'map', map: { mode: 'ephemeral', key_ttl: '300s' } },
      { name: 'brief', ...users, subscription_type: 'map', map: { ...values, key_ttl: '1s' } },
      { name: 'kept', ...users, subscription_type: 'map', map: { mode: 'persistent' } },
      { name: 'own', ...users, subscription_type: 'map', map: { ...values, allow_publish_for_subscriber: true, client_key: 'client_id', remove_client_on_unsubscribe: true } },
      { name: 'chat', ...users, map_clients_presence_channel_prefix: 'clients:', map_users_presence_channel_prefix: 'users:' },
      { name: 'clients', ...users, subscription_type: 'map_clients', map: { ...values, key_ttl: '2s' } },
      { name: 'users', ...users, subscription_type: 'map_users', map: { ...values, key_ttl: '2s' } },
    ],
  },
};

/** Gives the configuration with other values for some keys of `client`. */
export const configWith = client => ({ ...CONFIG, client: { ...CONFIG.client, ...client } });

/** Starts a server with a configuration of Centrifugo. */
export async function hub(t, config = CONFIG) {
  const directory = await mkdtemp(join(tmpdir(), 'watchroom-hub-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return ownServer(t, { options: ['--centrifugo', file] });
}

/** The present in whole seconds, as tokens have it. */
export const now = () => Math.floor(Date.now() / 1000);

const encoded = value => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs a token. */
export function token(claims, secret = SECRET, algorithm = 'HS256') {
  const signed = `${encoded({ alg: algorithm, typ: 'JWT' })}.${encoded(claims)}`;
  return `${signed}.${createHmac(algorithm.replace('HS', 'sha'), secret).update(signed).digest('base64url')}`;
}

/** Asks the server API; a text is sent as it is. Gives status and text. */
export async function ask(server, method, body = {}, headers = { 'X-API-Key': API_KEY }) {
  const reply = await fetch(`${server.url}/api/${method}`, {
    method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: reply.status, text: await reply.text() };
}

/** Asks the server API; gives the result or throws the error. */
export async function result(server, method, body) {
  const { status, text } = await ask(server, method, body);
  const reply = status === 200 ? JSON.parse(text) : { error: { code: status } };
  if (reply.error) throw new Error(`${method}: ${reply.error.code}`);
  return reply.result ?? reply;
}

/** As much of EventSource as the client uses. */
class Events {
  #gone = new AbortController();
  readyState = 0;

  constructor(url) {
    void this.#read(url);
  }

  async #read(url) {
    try {
      const reply = await fetch(url, { signal: this.#gone.signal });
      this.readyState = 1;
      this.onopen?.({});
      let rest = '';
      for await (const chunk of reply.body.pipeThrough(new TextDecoderStream())) {
        const events = (rest + chunk).split('\n\n');
        rest = events.pop();
        for (const event of events) {
          const data = /^data: (.*)$/m.exec(event);
          if (data) this.onmessage?.({ data: data[1] });
        }
      }
    } catch { /* closed, or refused */ }
    this.readyState = 2;
    this.onerror?.({});
  }

  close() {
    this.readyState = 2;
    this.#gone.abort();
  }
}

const streamed = { eventsource: Events, fetch, readableStream: ReadableStream };
const path = { websocket: '/connection/websocket', sse: '/connection/sse', http_stream: '/connection/http_stream' };

/** The ways in: a name, the client's build, and its transport. */
export const WAYS = [
  { way: 'websocket, JSON', build: Centrifuge, transport: 'websocket' },
  { way: 'websocket, protobuf', build: CentrifugeProtobuf, transport: 'websocket', binary: true },
  { way: 'sse', build: Centrifuge, transport: 'sse' },
  { way: 'HTTP stream, JSON', build: Centrifuge, transport: 'http_stream' },
  { way: 'HTTP stream, protobuf', build: CentrifugeProtobuf, transport: 'http_stream', binary: true },
];

/** Makes a client that comes in by a way; it is disconnected when the test ends. */
export function clientFor(t, server, { build, transport } = WAYS[0], options = {}) {
  const client = new build([{ transport, endpoint: (transport === 'websocket' ? server.url.replace('http', 'ws') : server.url) + path[transport] }], {
    emulationEndpoint: `${server.url}/emulation`, minReconnectDelay: 20, maxReconnectDelay: 100, ...streamed, ...options,
  });
  t.after(() => client.disconnect());
  return client;
}

/** Writes down events of a client or a subscription, in order: `[name, context]`. */
export function noted(emitter) {
  const events = [];
  for (const name of ['connecting', 'connected', 'disconnected', 'subscribing', 'subscribed', 'unsubscribed', 'publication', 'join', 'leave', 'error']) {
    emitter.on(name, context => events.push([name, context]));
  }
  return events;
}

/** Gives the contexts of all events of a name. */
export const those = (events, name) => events.filter(([one]) => one === name).map(([, context]) => context);

/** Waits for an event of a name after the first `after`; gives its context. */
export async function event(events, name, after = 0) {
  await until(`${name} comes`, () => those(events, name).length > after);
  return those(events, name)[after];
}

/** A socket without a client, to see what is said word by word. `said` has what came, `closed` the code of the end. */
export class Socket {
  said = [];
  closed = null;
  reason = null;

  static async to(t, server, { query = '', protocol } = {}) {
    const one = new Socket();
    one.web = new WebSocket(`${server.url.replace('http', 'ws')}${path.websocket}${query}`, protocol);
    one.web.binaryType = 'arraybuffer';
    one.web.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') one.said.push(...data.split('\n'));
      else one.said.push(Buffer.from(data).toString('hex'));
    });
    one.web.addEventListener('close', ({ code, reason }) => Object.assign(one, { closed: code, reason }));
    t.after(() => one.web.close());
    await new Promise((opened, failed) => {
      one.web.addEventListener('open', opened);
      one.web.addEventListener('error', failed);
    });
    return one;
  }

  /** Sends a frame; what is no text and no bytes is sent as JSON. */
  send(frame) {
    this.web.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame));
  }

  /** Sends a frame and gives all that comes until `replies` messages more are there, or the socket is closed. */
  async tell(frame, replies = 1) {
    const before = this.said.length;
    this.send(frame);
    await until(`${replies} replies to ${frame}`, () => this.said.length >= before + replies || this.closed !== null);
    return this.said.slice(before);
  }

  /** Connects; gives the result. */
  async connect(connect = {}) {
    return JSON.parse((await this.tell({ id: 1, connect }))[0]).connect;
  }

  /** Gives the code that the server closes with. */
  async end() {
    await until('the server closes', () => this.closed !== null);
    return this.closed;
  }
}
