// A Redis Cluster of three masters, on request with a replica of each, and each node's links to its servers.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, freePort, until } from '../web/support.mjs';
import { Proxy } from './proxy.mjs';

/** The masters' shares of the slots. */
const SHARES = [[0, 5_460], [5_461, 10_922], [10_923, 16_383]];
/**
 * After so long without an answer a server counts as failed, ms: where one is to be killed, and where none should count as
 * failed, however long it is paused.
 */
const NODE_TIMEOUTS_MS = { failover: 2_000, none: 60_000 };
/** How long a replica may take to have what its master had, ms. */
const IN_STEP_MS_MAX = 5_000;
/** Channels are spread over so many tags, each of which is one slot: src/backend/redis/place.rs. */
const PARTITIONS = 64;

/** The links of one node to all servers of the cluster: they break and come back together. */
class Links {
  constructor(proxies) {
    this.proxies = proxies;
  }

  set isShut(isShut) {
    for (const proxy of this.proxies) proxy.isShut = isShut;
  }

  cut() {
    for (const proxy of this.proxies) proxy.cut();
  }

  stall() {
    for (const proxy of this.proxies) proxy.stall();
  }

  resume() {
    for (const proxy of this.proxies) proxy.resume();
  }
}

/** The cluster. Its servers know each other by proxies, so that what a replica is sent can be held back. */
export class Cluster {
  /** Three masters, then the replica of each in the same order: `{ redis, door, id }`; `door` is where others reach it. */
  members = [];

  /** Starts one; `replicas`: with one of each master, which takes over when it is gone. */
  static async start(scope, { replicas: hasReplicas = false } = {}) {
    const cluster = new Cluster();
    const timeout = hasReplicas ? NODE_TIMEOUTS_MS.failover : NODE_TIMEOUTS_MS.none;
    cluster.members = await Promise.all(Array.from({ length: hasReplicas ? 6 : 3 }, () => member(scope, timeout)));
    await cluster.#meet();
    if (hasReplicas) await cluster.#replicate();
    return cluster;
  }

  get masters() {
    return this.members.slice(0, 3);
  }

  async #meet() {
    const [first, ...others] = this.members;
    await Promise.all(this.members.map(({ redis }, i) => told(redis, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1)));
    for (const { redis: { port }, bus } of others) await told(first.redis, 'CLUSTER', 'MEET', '127.0.0.1', port, bus);
    await Promise.all(SHARES.map(([from, to], i) => told(this.members[i].redis, 'CLUSTER', 'ADDSLOTSRANGE', from, to)));
    await Promise.all(this.members.map(({ redis }) => until('the cluster is whole', async () => {
      const info = await redis.ask('CLUSTER', 'INFO');
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${this.members.length}\r\n`);
    })));
  }

  async #replicate() {
    const replicas = this.members.slice(3);
    await Promise.all(replicas.map(({ redis }, i) => told(redis, 'CLUSTER', 'REPLICATE', this.members[i].id)));
    await Promise.all(replicas.map(({ redis }) => until('replicas have a copy', async () => (await redis.ask('INFO', 'replication')).includes('master_link_status:up'))));
    // Who is to vote for a replica must know whose it is.
    await Promise.all(this.members.map(({ redis }) => until('replicas are known', async () => (await redis.ask('CLUSTER', 'NODES')).match(/[ ,]slave /g)?.length === 3)));
  }

  /** Waits until the replica of a master has all that the master has now. */
  async #inStep(at) {
    const offset = async (index, name) => Number(new RegExp(`${name}:(\\d+)`).exec(await this.members[index].redis.ask('INFO', 'replication'))?.[1] ?? -1);
    const here = await offset(at, 'master_repl_offset');
    const end = Date.now() + IN_STEP_MS_MAX;
    // Each ms counts: what is answered meanwhile may be gone.
    while ((await offset(at + 3, 'slave_repl_offset')) < here) if (end < Date.now()) throw new Error(`the replica of master ${at} is not in step`);
  }

  /** Gives a node's links to all servers, and the addresses to start it with. */
  async links(scope) {
    const proxies = await Promise.all(this.members.map(({ redis }) => Proxy.to(scope, redis.port)));
    // The servers name each other, and in answers and redirections the node is to find its own links.
    const own = new Map(this.members.map(({ door }, i) => [String(door.at), proxies[i].at]));
    const named = /(127\.0\.0\.1(?:\r\n)?:)(\d+)/g;
    for (const proxy of proxies) {
      proxy.rewrite = bytes => {
        if (!bytes.includes('127.0.0.1')) return bytes;
        return Buffer.from(bytes.toString('latin1').replace(named, (all, before, port) => (own.has(port) ? before + own.get(port) : all)), 'latin1');
      };
    }
    return { links: new Links(proxies), urls: proxies.slice(0, 3).map(({ at }) => `redis://127.0.0.1:${at}`).join() };
  }

  /** Which of the masters has a channel. */
  async ownerOf(channel) {
    const { redis } = this.members.findLast(({ redis: { isUp } }) => isUp);
    const slotOf = async key => Number((await redis.ask('CLUSTER', 'KEYSLOT', key)).slice(1));
    const slot = await slotOf(`p${(await slotOf(channel)) % PARTITIONS}`);
    return SHARES.findIndex(([from, to]) => from <= slot && slot <= to);
  }

  /**
   * Kills a master; its replica had nothing of the last `ms`. Gives the time in which what was answered may be gone: what was
   * before is on the replica.
   */
  async kill(at, ms) {
    const { redis, door } = this.members[at];
    const from = Date.now();
    await this.#inStep(at);
    door.stall();
    await new Promise(resolve => setTimeout(resolve, ms));
    door.isShut = true;
    await redis.end('SIGKILL');
    door.cut();
    return { from, to: Date.now() };
  }

  /** Starts a master that was killed, now as the replica of the one that took over; from now on they have changed places. */
  async revive(at) {
    const { redis, door } = this.members[at];
    door.isShut = false;
    door.resume();
    await redis.start();
    await until('it is a replica', async () => /role:slave\r\n[^]*master_link_status:up/.test(await redis.ask('INFO', 'replication')));
    [this.members[at], this.members[at + 3]] = [this.members[at + 3], this.members[at]];
  }

  /** Sends all processes a signal. */
  signal(signal) {
    for (const { redis } of this.members) redis.signal(signal);
  }

  /** Clients of all servers that run. */
  async clients() {
    const counts = await Promise.all(this.members.filter(({ redis: { isUp } }) => isUp).map(({ redis }) => redis.clients()));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

async function told(redis, ...words) {
  const answer = await redis.ask(...words.map(String));
  if (!answer.startsWith('+OK')) throw new Error(`${words.join(' ')}: ${answer}`);
}

async function member(scope, timeout) {
  const directory = await mkdtemp(join(tmpdir(), 'watchroom-redis-'));
  const [port, bus] = [await freePort(), await freePort()];
  const door = await Proxy.to(scope, port);
  const settings = [
    '--cluster-enabled', 'yes', '--cluster-port', bus, '--cluster-config-file', 'nodes.conf', '--cluster-node-timeout', timeout,
    '--cluster-require-full-coverage', 'no', '--repl-diskless-sync-delay', '0',
    '--cluster-announce-ip', '127.0.0.1', '--cluster-announce-port', door.at, '--cluster-announce-bus-port', bus,
  ];
  const redis = new Redis(directory, port, { settings });
  scope.after(async () => {
    await redis.end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  await redis.start();
  const id = /[0-9a-f]{40}/.exec(await redis.ask('CLUSTER', 'MYID'))[0];
  return { redis, door, bus, id };
}
