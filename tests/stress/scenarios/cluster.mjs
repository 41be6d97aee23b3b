// A master of a Redis Cluster dies.
import { until } from '../../web/support.mjs';

const channels = ['kept', 'asked', 'delta'].flatMap(name => ['f', 'g', 'h'].map(letter => `${name}:${letter}`));
const maps = ['recoverable', 'persistent', 'ephemeral'].flatMap(name => ['f', 'g', 'h'].map(letter => `${name}:${letter}`));
/** A replica may have had nothing of so long before, ms. */
const LAGS_MS = [0, 0, 150, 400];

const failover = {
  name: 'failover', about: 'kill -9 of a master; its replica, which may lag, takes over: the end alone is gone, and whoever is ahead is told',
  kinds: ['cluster'], lingers: true, deployment: { replicas: true },
  async round({ deployment, stream, random, rounds, check }) {
    const { redis } = deployment;
    await stream.read({ count: 15, channels, each: 3, maps: maps.map((channel, i) => ({ channel, pageSize: 2 + i })) });
    stream.byApi(3, { channels });
    await stream.byClients(2, { channels });
    stream.maps.change(3, { maps });
    await stream.more(80);
    const owners = new Map(await Promise.all([...channels, ...maps].map(async name => [name, await redis.ownerOf(name)])));
    const victim = owners.get(random.pick([...channels, ...maps]));
    const ofVictim = names => names.filter(name => owners.get(name) === victim);
    const lag = random.pick(LAGS_MS);
    let probe = 'kept:probe';
    while (await redis.ownerOf(probe) === victim) probe += '1';
    const connects = new Map(stream.readers.map(reader => [reader, reader.connects]));
    const tail = { ...await redis.kill(victim, lag), until: Infinity };
    stream.failedOver(tail, { channels: ofVictim(channels), maps: ofVictim(maps) });
    await deployment.nodes[0].api('publish', { channel: probe, data: 1 });
    check(Date.now() - tail.to < 1_500, `what other masters have waited ${Date.now() - tail.to} ms`);
    await stream.untilTaken(tail.to, { channels, maps });
    // All sockets are closed once, by each node when it finds out.
    await until('all are back', () => stream.readers.every(reader => reader.connects > connects.get(reader) && reader.isConnected && reader.isSubscribed), 20_000);
    tail.until = Date.now();
    await stream.more(80);
    if (rounds > 1) await redis.revive(victim);
    return { lag, 'given again': stream.ledger.repeated(), away: Date.now() - tail.to };
  },
};

export default [failover];
