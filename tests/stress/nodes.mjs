// Servers to stress: one node by itself, or two on one Redis or a cluster of them, with what they use of the machine.
import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownServer, startRedis } from '../web/support.mjs';
import { Cluster } from './cluster.mjs';
import { Proxy } from './proxy.mjs';

export const SECRET = 'secret of the stress';
const API_KEY = 'key-of-the-stress';
const MIB = 1 << 20;

const open = {
  allow_subscribe_for_client: true, allow_publish_for_client: true, allow_history_for_subscriber: true, presence: true,
  force_positioning: true, force_recovery: true, history_size: 10_000, history_ttl: '600s',
};

/** What holds in which channels. `kept` has room for all that a scenario publishes. */
const NAMESPACES = [
  { name: 'kept', ...open },
  { name: 'asked', ...open, force_positioning: false, force_recovery: false, allow_recovery: true, allow_positioning: true },
  { name: 'delta', ...open, allowed_delta_types: ['fossil'], delta_publish: true },
  { name: 'short', ...open, history_size: 40 },
  { name: 'brief', ...open, history_ttl: '1s' },
];

const map = { allow_subscribe_for_client: true, subscription_type: 'map', allowed_delta_types: ['fossil'], delta_publish: true };
const kept = { stream_size: 10_000, stream_ttl: '600s', min_page_size: 1 };

/** Maps are named by their mode. */
const MAPS = [
  { name: 'recoverable', ...map, map: { mode: 'recoverable', key_ttl: '600s', ...kept } },
  { name: 'persistent', ...map, map: { mode: 'persistent', ...kept } },
  { name: 'ephemeral', ...map, allowed_delta_types: [], delta_publish: false, map: { mode: 'ephemeral', key_ttl: '600s', min_page_size: 1 } },
];

/** What the stream of a map keeps, for the checker. */
export const MAP_HISTORY = { size: kept.stream_size, bytes: MIB };
export const mapModeOf = channel => channel.split(':')[0];

/** Publications that are recovered at once: more than any scenario misses. */
const RECOVERED_MAX = 20_000;

const CONFIG = {
  client: {
    token: { hmac_secret_key: SECRET }, recovery_max_publication_limit: RECOVERED_MAX,
    // So soon a network that says nothing is found out.
    ping_interval: '2s', pong_timeout: '1500ms',
  },
  http_server: { address: '127.0.0.1' },
  http_api: { key: API_KEY },
  sse: { enabled: true },
  http_stream: { enabled: true },
  channel: { namespaces: [...NAMESPACES, ...MAPS] },
};

/** How long the client waits for a ping beyond its interval, ms. */
export const PING_DELAY_MAX_MS = 1_500;
/** Events of a room that are recovered: docs/protocol.md. */
const ROOM = { size: 512, ttl: 30 * 86_400_000, bytes: MIB, limit: 512 };

/** What a channel keeps, for the checker. */
export function historyOf(channel) {
  const found = NAMESPACES.find(({ name }) => channel.startsWith(`${name}:`));
  return found ? { size: found.history_size, ttl: Number.parseInt(found.history_ttl, 10) * 1_000, bytes: MIB, limit: RECOVERED_MAX } : ROOM;
}

/** Things to be undone at the end, the last one first. */
export class Scope {
  #after = [];

  after(work) {
    this.#after.push(work);
  }

  async end() {
    while (this.#after.length > 0) await this.#after.pop()();
  }
}

/** One node. */
export class Node {
  #agent = new Agent({ keepAlive: true });

  constructor(name, server) {
    Object.assign(this, { name, server, isUp: true });
  }

  get url() {
    return this.server.url;
  }

  get port() {
    return this.server.port;
  }

  #request(method, path, { body, headers = {}, agent = this.#agent, timeout = 5_000 } = {}) {
    return new Promise((resolve, reject) => {
      const asked = request(this.url + path, { method, agent, headers, timeout }, reply => {
        let text = '';
        reply.setEncoding('utf8').on('data', part => { text += part; }).on('end', () => resolve({ status: reply.statusCode, text })).on('error', reject);
      });
      asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeout} ms`))).on('error', reject).end(body);
    });
  }

  /** Asks the server API; gives the result, or throws: an error with a `code` is the server's own. */
  async api(method, body) {
    const { status, text } = await this.#request('POST', `/api/${method}`, { body: JSON.stringify(body), headers: { 'X-API-Key': API_KEY, 'content-type': 'application/json' } });
    if (status !== 200) throw new Error(`${method}: status ${status}`);
    const { result, error } = JSON.parse(text);
    if (error) throw Object.assign(new Error(`${method}: ${error.code} ${error.message}`), { code: error.code });
    return result;
  }

  /** Closes the connections of requests that are over. */
  hangUp() {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true });
  }

  /** The metrics, by name with labels. */
  async metrics() {
    const { text } = await this.#request('GET', '/metrics', { agent: false });
    return new Map(text.split('\n').filter(line => line !== '' && !line.startsWith('#')).map(line => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }));
  }

  /** The time of day as it has it, ms. */
  async time() {
    const { text } = await this.#request('GET', '/api/v1/query?query=time()', { agent: false });
    return 1_000 * JSON.parse(text).data.result[0];
  }

  /** What it uses: connections, subscriptions, bytes that wait, tasks, open files, threads; memory in KiB. */
  async usage() {
    const metrics = await this.metrics();
    const status = readFileSync(`/proc/${this.server.pid}/status`, 'utf8');
    const field = name => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
    const queues = [...metrics].filter(([name]) => name.startsWith('watchroom_queue_bytes')).reduce((sum, [, value]) => sum + value, 0);
    return {
      connections: metrics.get('watchroom_connections'), subscriptions: metrics.get('watchroom_subscriptions'), queues, tasks: metrics.get('watchroom_tasks'),
      files: readdirSync(`/proc/${this.server.pid}/fd`).length, threads: field('Threads'), memory: field('VmRSS'),
    };
  }

  async start() {
    await this.server.start();
    this.isUp = true;
  }

  /** Ends it with a signal; gives the exit code. */
  async end(signal) {
    this.isUp = false;
    const code = await this.server.end(signal);
    this.hangUp();
    return code;
  }
}

/** Builds the library that shifts a process's clock; gives its path. */
export async function clockShim(scope) {
  const directory = await mkdtemp(join(tmpdir(), 'watchroom-clock-'));
  scope.after(() => rm(directory, { recursive: true, force: true }));
  const library = join(directory, 'clock.so');
  const source = new URL('../shim/clock.c', import.meta.url).pathname;
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  const shift = join(directory, 'shift');
  await writeFile(shift, '0');
  return {
    environment: { LD_PRELOAD: library, WATCHROOM_CLOCK_SHIFT: shift },
    /** Sets the clock so many seconds off. */
    set: seconds => writeFile(shift, String(seconds)),
  };
}

/** One node (`one`), or two on a Redis (`two`) or a Redis Cluster (`cluster`). */
export class Deployment {
  constructor(kind, nodes, redis, links) {
    Object.assign(this, { kind, nodes, redis, links });
  }

  /**
   * Starts it. `rooms`: with watchroom's own rooms in place of a configuration of Centrifugo. `keeps`: whether Redis has
   * its data again after a restart. `replicas`: whether each server of a cluster has one. `client`: other values in that section. `environment`: of all processes. `log` is the
   * file that takes all logs.
   */
  static async start(scope, kind, { rooms = false, keeps = false, replicas = false, client = {}, environment = {}, log }) {
    const number = openSync(log, 'a');
    scope.after(() => closeSync(number));
    const directory = await mkdtemp(join(tmpdir(), 'watchroom-stress-'));
    scope.after(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, 'centrifugo.json');
    await writeFile(file, JSON.stringify({ ...CONFIG, client: { ...CONFIG.client, ...client } }));
    const redis = kind === 'two' ? await startRedis(scope, { keeps, environment }) : kind === 'cluster' ? await Cluster.start(scope, { replicas }) : null;
    const links = [];
    const node = async name => {
      const options = rooms ? [] : ['--centrifugo', file];
      if (kind === 'cluster') {
        const { links: own, urls } = await redis.links(scope);
        links.push(own);
        options.push('--redis', urls);
      } else if (redis) {
        const link = await Proxy.to(scope, redis.port);
        links.push(link);
        options.push('--redis', `redis://127.0.0.1:${link.at}`);
      }
      const config = `instance = '${name}'\ncollect_host = false\n`;
      const server = await ownServer(scope, { config, rules: '', options, environment: () => environment, log: number });
      return new Node(name, server);
    };
    const nodes = [await node('a')];
    if (redis) nodes.push(await node('b'));
    scope.after(() => nodes.forEach(one => one.hangUp()));
    return new Deployment(kind, nodes, redis, links);
  }

  /** A node that runs, other than `not` if there is one. */
  up(not = null) {
    return this.nodes.find(node => node.isUp && node !== not) ?? this.nodes[0];
  }

  /** By how much their clocks are off, ms. */
  async clocks() {
    const times = await Promise.all(this.nodes.map(node => node.time()));
    if (this.redis) times.push(1_000 * Number(/^\*2\r\n\$\d+\r\n(\d+)/.exec(await this.redis.ask('TIME'))[1]));
    return times.map(time => time - Date.now());
  }

  /** What all use. */
  async usage() {
    const nodes = await Promise.all(this.nodes.map(node => node.usage()));
    return { nodes, redis: (await this.redis?.clients()) ?? 0 };
  }
}
