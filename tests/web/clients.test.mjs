// Clients of Centrifugo that are not ours: npm's centrifuge, by each way in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WAYS, clientFor, configWith, event, hub, noted, now, result, those, token } from './clients.mjs';
import { until } from './support.mjs';

const text = new TextDecoder();
/** Gives data as the way carries it, and back. */
const packed = (way, value) => (way.binary ? new TextEncoder().encode(JSON.stringify(value)) : value);
const unpacked = data => (data instanceof Uint8Array ? JSON.parse(text.decode(data)) : data);
const long = n => ({ text: 'a text that is the same each time, with ö and 日本 and 😀'.repeat(3), n });

for (const way of WAYS) {
  test(`${way.way}: subscribe, publish, ask`, { timeout: 60_000 }, async t => {
    const server = await hub(t);
    const client = clientFor(t, server, way, { token: token({ sub: 'ann', info: { name: 'Ann' }, channels: ['room:given', 'open:plain'] }) });
    const own = noted(client);
    client.connect();
    await client.ready(10_000);
    const given = await until('the server subscribes', () => those(own, 'subscribed').length === 3 && those(own, 'subscribed'));
    assert.deepEqual(given.map(({ channel }) => channel).sort(), ['open:plain', 'personal:#ann', 'room:given']);

    const room = client.newSubscription('room:a');
    const events = noted(room);
    room.subscribe();
    await room.ready(10_000);
    const { recoverable, positioned, streamPosition } = await event(events, 'subscribed');
    assert.deepEqual([recoverable, positioned, streamPosition.offset], [true, true, 0]);
    assert.equal((await event(events, 'join')).info.user, 'ann');

    await room.publish(packed(way, { n: 1 }));
    await result(server, 'publish', { channel: 'room:a', data: { n: 2 }, tags: { from: 'server' } });
    await result(server, 'publish', { channel: 'room:given', data: { n: 3 } });
    const [first, second] = [await event(events, 'publication'), await event(events, 'publication', 1)];
    assert.deepEqual([unpacked(first.data), first.offset, first.info.user, unpacked(first.info.connInfo)], [{ n: 1 }, 1, 'ann', { name: 'Ann' }]);
    assert.deepEqual([unpacked(second.data), second.offset, second.tags, second.info], [{ n: 2 }, 2, { from: 'server' }, undefined]);
    assert.deepEqual(unpacked((await event(own, 'publication')).data), { n: 3 });

    const { clients } = await room.presence();
    assert.deepEqual(Object.values(clients).map(one => unpacked(one.connInfo)), [{ name: 'Ann' }]);
    assert.deepEqual(await room.presenceStats(), { numClients: 1, numUsers: 1 });
    const past = await room.history({ limit: 10 });
    assert.deepEqual([past.offset, past.publications.map(({ offset }) => offset)], [2, [1, 2]]);
    assert.deepEqual((await room.history({ limit: 1, reverse: true })).publications.map(({ offset }) => offset), [2]);
    assert.deepEqual((await room.history({ limit: 5, since: { offset: 1, epoch: past.epoch } })).publications.map(({ offset }) => offset), [2]);
    await assert.rejects(client.publish('nowhere:a', packed(way, 1)), { code: 102 });
    await assert.rejects(client.presence('open:plain'), { code: 108 });
    await assert.rejects(client.rpc('anything', packed(way, 1)), { code: 108 });

    await result(server, 'subscribe', { user: 'ann', channel: 'asked:b', data: { why: 'asked' }, info: { seat: 4 } });
    assert.deepEqual(unpacked((await event(own, 'subscribed', 3)).data), { why: 'asked' });
    await result(server, 'unsubscribe', { user: 'ann', channel: 'room:a' });
    assert.equal((await event(events, 'unsubscribed')).code, 2000);
    await result(server, 'disconnect', { user: 'ann' });
    assert.deepEqual(await event(own, 'disconnected'), { code: 3503, reason: 'force disconnect' });
  });

  test(`${way.way}: what was missed is recovered, deltas too`, { timeout: 60_000 }, async t => {
    const server = await hub(t);
    const client = clientFor(t, server, way);
    const own = noted(client);
    const room = client.newSubscription('room:a');
    const delta = client.newSubscription('delta:a', { delta: 'fossil' });
    const cache = client.newSubscription('cache:a');
    const tags = client.newSubscription('tags:a', { recoverable: true, tagsFilter: { key: 'kind', cmp: 'eq', val: 'x' } });
    const [inRoom, inDelta, inCache, inTags] = [room, delta, cache, tags].map(noted);
    client.connect();
    for (const one of [room, delta, cache, tags]) {
      one.subscribe();
      await one.ready(10_000);
    }
    const say = (channel, data, more = {}) => result(server, 'publish', { channel, data, ...more });
    for (let n = 1; n <= 3; n++) await say('delta:a', long(n));
    await say('room:a', 1);
    await say('tags:a', 1, { tags: { kind: 'x' } });
    await say('tags:a', 2, { tags: { kind: 'y' } });
    await event(inRoom, 'publication');
    await event(inDelta, 'publication', 2);
    await event(inTags, 'publication');

    client._transport.close();
    await Promise.all([say('room:a', 2), say('delta:a', long(4)), say('cache:a', 1).then(() => say('cache:a', 2)), say('tags:a', 3, { tags: { kind: 'x' } })]);
    await event(own, 'connected', 1);
    assert.equal((await event(inRoom, 'subscribed', 1)).recovered, true);
    await event(inCache, 'subscribed', 1);
    await say('delta:a', long(5));

    assert.deepEqual(unpacked((await event(inRoom, 'publication', 1)).data), 2);
    await event(inDelta, 'publication', 4);
    assert.deepEqual(those(inDelta, 'publication').map(({ data, offset }) => [unpacked(data), offset]), [1, 2, 3, 4, 5].map(n => [long(n), n]));
    const last = await until('the newest of the cache', () => those(inCache, 'publication').at(-1));
    assert.equal(unpacked(last.data), 2);
    await event(inTags, 'publication', 1);
    assert.deepEqual(those(inTags, 'publication').map(({ data }) => unpacked(data)), [1, 3]);
    assert.deepEqual(those(own, 'error'), []);
  });

  test(`${way.way}: tokens are renewed`, { timeout: 60_000 }, async t => {
    const server = await hub(t);
    const asked = { connection: 0, subscription: 0 };
    const soon = () => now() + 2;
    const client = clientFor(t, server, way, { getToken: async () => token({ sub: 'ann', exp: ++asked.connection > 1 ? now() + 300 : soon() }) });
    const own = noted(client);
    client.connect();
    await client.ready(10_000);
    const closed = client.newSubscription('$users:a', {
      getToken: async ({ channel }) => token({ sub: 'ann', channel, exp: ++asked.subscription > 1 ? now() + 300 : soon() }),
    });
    const events = noted(closed);
    closed.subscribe();
    await closed.ready(10_000);
    await until('both are renewed', () => asked.connection === 2 && asked.subscription === 2);
    await new Promise(done => setTimeout(done, 2_500));
    assert.deepEqual([client.state, closed.state], ['connected', 'subscribed']);
    assert.deepEqual([those(own, 'connecting').length, those(events, 'subscribing').length], [1, 1]);
    assert.deepEqual([...those(own, 'error'), ...those(events, 'error')], []);
  });
}

test('who is refused is told so', { timeout: 60_000 }, async t => {
  const server = await hub(t, configWith({ allow_anonymous_connect_without_token: false }));
  const ends = async options => {
    const client = clientFor(t, server, WAYS[0], options);
    const own = noted(client);
    client.connect();
    return (await event(own, 'disconnected')).code;
  };
  assert.equal(await ends({}), 3501);
  assert.equal(await ends({ token: token({ sub: 'ann' }, 'another secret') }), 3500);
  let renewed = 0;
  const late = clientFor(t, server, WAYS[0], { token: token({ sub: 'ann', exp: now() - 10 }), getToken: async () => token({ sub: 'ann', n: ++renewed }) });
  late.connect();
  await late.ready(10_000);
  assert.equal(renewed, 1);

  const refused = async (channel, options) => {
    const one = late.newSubscription(channel, options);
    const events = noted(one);
    one.subscribe();
    return (await event(events, 'unsubscribed')).code;
  };
  assert.equal(await refused('nowhere:a'), 102);
  assert.equal(await refused('personal:a'), 103);
  assert.equal(await refused('$users:a'), 103);
  assert.equal(await refused('#bob'), 103);
  assert.equal(await refused('short:abcde'), 107);
  const mine = late.newSubscription('#bob,ann');
  mine.subscribe();
  await mine.ready(10_000);
});
