// Maps, with npm's centrifuge by each way in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Socket, WAYS, ask, clientFor, event, hub, mapsConfig, noted, result, those, token } from './clients.mjs';
import { until } from './support.mjs';

const text = new TextDecoder();
/** Gives data as the way carries it, and back. */
const packed = (way, value) => (way.binary ? new TextEncoder().encode(JSON.stringify(value)) : value);
const unpacked = data => (data instanceof Uint8Array && data.length > 0 ? JSON.parse(text.decode(data)) : data);
const long = n => ({ text: 'a text that is the same each time, with ö and 日本 and 😀'.repeat(3), n });

/** What a subscription to a map knows of it: `keys` follows its events, as a program would. */
function followed(sub) {
  const events = noted(sub);
  const keys = new Map();
  sub.on('sync', context => {
    events.push(['sync', context]);
    keys.clear();
    for (const { key, data } of context.entries) keys.set(key, unpacked(data));
  });
  sub.on('update', context => {
    events.push(['update', context]);
    if (context.removed) keys.delete(context.key);
    else keys.set(context.key, unpacked(context.data));
  });
  return { sub, events, keys, entries: () => Object.fromEntries([...keys].sort()) };
}

async function follow(sub) {
  const one = followed(sub);
  sub.subscribe();
  await sub.ready(10_000);
  return one;
}

const comesTo = (one, expected) => until(`the keys ${JSON.stringify(expected)}`, () => {
  assert.deepEqual(one.entries(), expected);
  return true;
});

for (const way of WAYS) {
  test(`${way.way}: a map is read, followed and changed`, { timeout: 60_000 }, async t => {
    const server = await hub(t, mapsConfig);
    const client = clientFor(t, server, way, { token: token({ sub: 'ann' }) });
    client.connect();
    const put = (key, data, more = {}) => result(server, 'map_publish', { channel: 'map:a', key, data, ...more });
    for (const [n, key] of ['c', 'a', 'b'].entries()) await put(key, { n });
    // Three pages, and one.
    for (const pageSize of [1, 100]) {
      const one = await follow(client.newMapSubscription('map:a', { pageSize }));
      assert.deepEqual(one.entries(), { a: { n: 1 }, b: { n: 2 }, c: { n: 0 } });
      assert.equal(those(one.events, 'sync').length, 1);
      one.sub.unsubscribe();
      client.removeMapSubscription(one.sub);
    }
    const map = await follow(client.newMapSubscription('map:a'));
    await put('a', { n: 4 }, { tags: { x: 'y' } });
    await result(server, 'map_remove', { channel: 'map:a', key: 'b' });
    await map.sub.publish('mine', packed(way, { n: 5 }));
    await comesTo(map, { a: { n: 4 }, c: { n: 0 }, mine: { n: 5 } });
    await client.mapRemove('map:a', 'c');
    await comesTo(map, { a: { n: 4 }, mine: { n: 5 } });
    const told = those(map.events, 'update').map(({ key, offset, removed }) => [key, offset, removed === true]);
    assert.deepEqual(told, [['a', 4, false], ['b', 5, true], ['mine', 6, false], ['c', 7, true]]);
    const { entries } = await result(server, 'map_read_state', { channel: 'map:a', limit: -1 });
    assert.deepEqual(entries.map(({ key, offset }) => [key, offset]), [['a', 4], ['mine', 6]]);
    await assert.rejects(client.mapPublish('map:a', '', packed(way, 1)), { code: 107 });
    await assert.rejects(client.mapPublish('map:a', 'x'.repeat(1_025), packed(way, 1)), { code: 107 });
    await assert.rejects(client.mapPublish('eph:a', 'x', packed(way, 1)), { code: 103 });
  });

  test(`${way.way}: what a map missed is recovered`, { timeout: 60_000 }, async t => {
    const server = await hub(t, mapsConfig);
    const client = clientFor(t, server, way, { token: token({ sub: 'ann' }) });
    const own = noted(client);
    client.connect();
    const put = (channel, key, data) => result(server, 'map_publish', { channel, key, data });
    await put('map:a', 'a', 1);
    await put('delta:a', 'a', long(1));
    await put('eph:a', 'a', 1);
    const [map, delta, eph] = await Promise.all([
      follow(client.newMapSubscription('map:a')), follow(client.newMapSubscription('delta:a', { delta: 'fossil' })),
      follow(client.newMapSubscription('eph:a')),
    ]);
    await put('delta:a', 'a', long(2));
    await put('delta:a', 'b', long(1));
    await comesTo(delta, { a: long(2), b: long(1) });
    assert.equal(delta.sub.deltaStats().numDeltaPayloads, 1, 'a new key has nothing to differ from');

    client._transport.close();
    await Promise.all([put('map:a', 'a', 2).then(() => put('map:a', 'b', 2)), put('delta:a', 'a', long(3)), put('eph:a', 'b', 2)]);
    await event(own, 'connected', 1);
    await comesTo(map, { a: 2, b: 2 });
    await comesTo(eph, { a: 1, b: 2 });
    await put('delta:a', 'b', long(4));
    await comesTo(delta, { a: long(3), b: long(4) });
    const { recovered, wasRecovering } = await event(map.events, 'subscribed', 1);
    assert.deepEqual([recovered, wasRecovering], [true, true]);
    assert.deepEqual([map, eph].map(one => those(one.events, 'sync').length), [1, 2], 'an ephemeral map is read anew');

    // More than the stream of ten changes has, and then a map that begins anew.
    client.disconnect();
    for (let n = 0; n < 12; n++) await put('map:a', `k${n}`, n);
    client.connect();
    await event(own, 'connected', 2);
    await until('it is read anew', () => those(map.events, 'sync').length === 2 && map.keys.size === 14);
    await result(server, 'map_clear', { channel: 'map:a' });
    await until('it is read anew', () => those(map.events, 'sync').length === 3 && map.keys.size === 0);
    await put('map:a', 'z', 1);
    await comesTo(map, { z: 1 });
    assert.deepEqual([...those(map.events, 'error'), ...those(delta.events, 'error')].map(({ error }) => error.code).filter(code => code !== 112), []);
  });

  test(`${way.way}: keys end, and tags part them`, { timeout: 60_000 }, async t => {
    const server = await hub(t, mapsConfig);
    const client = clientFor(t, server, way, { token: token({ sub: 'ann' }) });
    client.connect();
    const put = (channel, key, data, tags) => result(server, 'map_publish', { channel, key, data, tags });
    await put('brief:a', 'a', 1);
    const brief = await follow(client.newMapSubscription('brief:a'));
    assert.deepEqual(brief.entries(), { a: 1 });
    await comesTo(brief, {});
    assert.deepEqual(those(brief.events, 'update').map(({ key, removed, offset }) => [key, removed, offset]), [['a', true, 2]]);

    await put('map:t', 'x1', 1, { kind: 'x' });
    await put('map:t', 'y1', 1, { kind: 'y' });
    const some = await follow(client.newMapSubscription('map:t', { tagsFilter: { key: 'kind', cmp: 'eq', val: 'x' } }));
    assert.deepEqual(some.entries(), { x1: 1 });
    await put('map:t', 'y2', 1, { kind: 'y' });
    await put('map:t', 'x2', 2, { kind: 'x' });
    await result(server, 'map_remove', { channel: 'map:t', key: 'y1' });
    await result(server, 'map_remove', { channel: 'map:t', key: 'x1' });
    await comesTo(some, { x2: 2 });
    assert.deepEqual(those(some.events, 'update').map(({ key, removed }) => [key, removed === true]), [['x2', false], ['x1', true]]);
  });

  test(`${way.way}: who is there is a map`, { timeout: 60_000 }, async t => {
    const server = await hub(t, mapsConfig);
    const watcher = clientFor(t, server, way, { token: token({ sub: 'eve' }) });
    watcher.connect();
    const clients = await follow(watcher.newMapClientsSubscription('clients:chat:1'));
    const users = await follow(watcher.newMapUsersSubscription('users:chat:1'));
    assert.deepEqual([clients.keys.size, users.keys.size], [0, 0]);
    const come = async sub => {
      const one = clientFor(t, server, way, { token: token({ sub, info: { name: sub } }) });
      const own = noted(one);
      one.connect();
      const chat = one.newSubscription('chat:1');
      chat.subscribe();
      await chat.ready(10_000);
      return { one, chat, id: (await event(own, 'connected')).client };
    };
    const [ann, again, bob] = [await come('ann'), await come('ann'), await come('bob')];
    await until('three are there', () => clients.keys.size === 3);
    await until('two are there', () => users.keys.size === 2);
    assert.deepEqual([...users.keys.keys()].sort(), ['ann', 'bob']);
    const update = those(clients.events, 'update').find(({ key }) => key === ann.id);
    assert.deepEqual([update.info.user, unpacked(update.info.connInfo)], ['ann', { name: 'ann' }]);
    ann.chat.unsubscribe();
    bob.one._transport.close();
    bob.one.disconnect();
    await until('one is there', () => clients.keys.size === 1 && clients.keys.has(again.id));
    // Users end by themselves; the one that is still there lives on.
    await until('one user is left', () => users.keys.size === 1);
    assert.deepEqual([...users.keys.keys()], ['ann']);
    // Renewed each second, and each key lives for two.
    await new Promise(done => setTimeout(done, 3_000));
    assert.deepEqual([clients.keys.size, users.keys.size], [1, 1]);
    assert.deepEqual(those(users.events, 'update').filter(({ key }) => key === 'ann').length, 1, 'and is told once');

    // A map whose keys are their clients' own.
    const mine = await follow(watcher.newMapSubscription('own:1'));
    const other = again.one.newMapSubscription('own:1');
    other.subscribe();
    await other.ready(10_000);
    await other.publish('of another name', packed(way, 7));
    await comesTo(mine, { [again.id]: 7 });
    other.unsubscribe();
    await comesTo(mine, {});
  });
}

test('a persistent map survives a crash', { timeout: 60_000 }, async t => {
  const server = await hub(t, mapsConfig);
  const client = clientFor(t, server, WAYS[0], { token: token({ sub: 'ann' }) });
  client.connect();
  const map = await follow(client.newMapSubscription('kept:a'));
  await result(server, 'map_publish', { channel: 'kept:a', key: 'a', data: { n: 1 }, tags: { x: 'y' }, version: 5 });
  await result(server, 'map_publish', { channel: 'kept:a', key: 'gone', data: 1 });
  await result(server, 'map_remove', { channel: 'kept:a', key: 'gone' });
  await comesTo(map, { a: { n: 1 } });
  await server.kill();
  await server.start();
  await until('it is read anew', () => those(map.events, 'sync').length === 2);
  assert.deepEqual(map.entries(), { a: { n: 1 } });
  const again = await result(server, 'map_publish', { channel: 'kept:a', key: 'a', data: 2, version: 5 });
  assert.deepEqual([again.suppressed, again.suppress_reason], [true, 'version']);
});

test('a map word by word', { timeout: 60_000 }, async t => {
  const server = await hub(t, mapsConfig);
  const socket = await Socket.to(t, server);
  await socket.connect({ token: token({ sub: 'ann' }) });
  const put = (key, data) => result(server, 'map_publish', { channel: 'map:1', key, data });
  for (const [n, key] of ['a', 'b', 'c'].entries()) await put(key, n + 1);
  const { epoch } = await result(server, 'map_read_state', { channel: 'map:1' });
  let id = 1;
  const say = async subscribe => JSON.parse((await socket.tell({ id: ++id, subscribe: { channel: 'map:1', type: 1, ...subscribe } }))[0]);
  const refused = async (subscribe, code) => assert.equal((await say(subscribe)).error?.code, code, JSON.stringify(subscribe));

  assert.deepEqual(await say({ phase: 2, limit: 2 }), {
    id, subscribe: { epoch, offset: 3, type: 1, phase: 2, cursor: 'b', state: [{ data: 1, offset: 1, key: 'a' }, { data: 2, offset: 2, key: 'b' }] },
  });
  await refused({ phase: 2, limit: 2 }, 105);
  for (let n = 0; n < 4; n++) await put('a', n);
  assert.deepEqual(await say({ phase: 2, limit: 2, cursor: 'b', offset: 3, epoch }), { id, subscribe: { epoch, offset: 3, type: 1, phase: 2, state: [{ data: 3, offset: 3, key: 'c' }] } });
  assert.deepEqual(await say({ phase: 1, limit: 2, offset: 3, epoch }), {
    id, subscribe: { epoch, offset: 5, type: 1, phase: 1, publications: [{ data: 0, offset: 4, key: 'a' }, { data: 1, offset: 5, key: 'a' }] },
  });
  assert.deepEqual(await say({ phase: 1, limit: 2, offset: 5, epoch }), {
    id, subscribe: { recoverable: true, epoch, offset: 7, type: 1, publications: [{ data: 2, offset: 6, key: 'a' }, { data: 3, offset: 7, key: 'a' }] },
  });
  await refused({ phase: 2 }, 105);
  assert.deepEqual(JSON.parse((await socket.tell({ id: ++id, unsubscribe: { channel: 'map:1' } }))[0]), { id, unsubscribe: {} });
  assert.deepEqual(await say({ phase: 1, recover: true, offset: 6, epoch }), {
    id, subscribe: { recoverable: true, epoch, recovered: true, offset: 7, was_recovering: true, type: 1, publications: [{ data: 3, offset: 7, key: 'a' }] },
  });
  const pushed = socket.said.length;
  await result(server, 'map_remove', { channel: 'map:1', key: 'b' });
  await until('it is told', () => socket.said.length > pushed);
  assert.deepEqual(JSON.parse(socket.said[pushed]), { push: { channel: 'map:1', pub: { offset: 8, key: 'b', removed: true } } });
  await socket.tell({ id: ++id, unsubscribe: { channel: 'map:1' } });

  await refused({ phase: 1, recover: true, offset: 6, epoch: 'another' }, 112);
  await refused({ phase: 1, recover: true, offset: 99, epoch }, 112);
  await refused({ phase: 1, offset: 6, epoch }, 103);
  await refused({ phase: 2, cursor: 'a' }, 103);
  await refused({ phase: 2, offset: 1, epoch: 'another' }, 112);
  await refused({ phase: 7 }, 107);
  await refused({ type: 0 }, 103);
  await refused({ type: 2, phase: 2 }, 103);
  await refused({ type: 4, phase: 2 }, 108);
  await refused({ channel: 'open:1', phase: 2 }, 103);
  await refused({ channel: 'nowhere:1', phase: 2 }, 102);
  await refused({ channel: 'eph:1', phase: 1, recover: true }, 107);
  const { subscribe } = await say({ channel: 'eph:1', phase: 2 });
  assert.deepEqual(Object.keys(subscribe).sort(), ['epoch', 'type']);
  await say({ phase: 2, limit: 1 });
  await new Promise(done => setTimeout(done, 1_200));
  socket.send({ id: ++id, subscribe: { channel: 'map:1', type: 1, phase: 2, cursor: 'a', limit: 1 } });
  assert.equal(await socket.end(), 3008);
});

test('a number stands for a channel, to who asks for it', { timeout: 60_000 }, async t => {
  const server = await hub(t, mapsConfig);
  const socket = await Socket.to(t, server);
  await socket.connect({ token: token({ sub: 'ann' }) });
  const [plain] = await socket.tell({ id: 2, subscribe: { channel: 'open:1' } });
  assert.deepEqual(JSON.parse(plain), { id: 2, subscribe: {} });
  const [by] = await socket.tell({ id: 3, subscribe: { channel: 'open:2', flag: 1 } });
  const { id } = JSON.parse(by).subscribe;
  assert.ok(Number.isSafeInteger(id) && id > 0);
  const before = socket.said.length;
  for (const channel of ['open:1', 'open:2']) await result(server, 'publish', { channel, data: 7 });
  await until('both are told', () => socket.said.length === before + 2);
  assert.deepEqual(socket.said.slice(before).map(line => JSON.parse(line).push), [{ channel: 'open:1', pub: { data: 7 } }, { id, pub: { data: 7 } }]);
  const map = JSON.parse((await socket.tell({ id: 4, subscribe: { channel: 'map:1', type: 1, phase: 2, flag: 1 } }))[0]).subscribe;
  await socket.tell({ id: 5, publish: { channel: 'map:1', type: 1, key: 'k', data: 1 } }, 2);
  const pushed = socket.said.slice(-2).map(line => JSON.parse(line)).find(({ push }) => push).push;
  assert.deepEqual([pushed.id, pushed.channel, pushed.pub.key], [map.id, undefined, 'k']);
});

test('maps by the server API', { timeout: 60_000 }, async t => {
  const server = await hub(t, mapsConfig);
  const map = (method, body) => result(server, `map_${method}`, { channel: 'map:a', ...body });
  const first = await map('publish', { key: 'a', data: { n: 1 }, tags: { x: 'y' }, idempotency_key: 'k', version: 3 });
  const { epoch } = first;
  assert.deepEqual(first, { offset: 1, epoch });
  const not = reason => ({ offset: 1, epoch, suppressed: true, suppress_reason: reason });
  assert.deepEqual(await map('publish', { key: 'b', data: 1, idempotency_key: 'k' }), not('idempotency'));
  assert.deepEqual(await map('publish', { key: 'a', data: 1, version: 3 }), not('version'));
  assert.deepEqual(await map('publish', { key: 'a', data: 1, key_mode: 'if_new' }), not('key_exists'));
  assert.deepEqual(await map('publish', { key: 'b', data: 1, key_mode: 'if_exists' }), not('key_not_found'));
  assert.deepEqual(await map('remove', { key: 'b' }), not('key_not_found'));
  assert.deepEqual(await map('publish', { key: 'b', b64data: 'MQ==' }), { offset: 2, epoch });
  const { entries, ...rest } = await map('read_state', { limit: 1 });
  assert.deepEqual(rest, { offset: 2, epoch, cursor: 'a' });
  assert.ok(Math.abs(entries[0].time - Date.now()) < 60_000);
  assert.deepEqual([entries[0].key, entries[0].data, entries[0].tags, entries[0].offset], ['a', { n: 1 }, { x: 'y' }, 1]);
  assert.deepEqual((await map('read_state', { limit: -1, cursor: 'a' })).entries.map(({ key }) => key), ['b']);
  assert.deepEqual(await map('read_state', {}), { offset: 2, epoch });
  assert.deepEqual((await map('read_state', { key: 'b' })).entries.map(({ key }) => key), ['b']);
  assert.deepEqual((await map('read_stream', { since_offset: 1, limit: 5 })).entries.map(({ offset }) => offset), [2]);
  assert.deepEqual((await map('read_stream', { reverse: true, limit: 1 })).entries.map(({ offset }) => offset), [2]);
  assert.deepEqual(await map('stats'), { num_keys: 2 });
  assert.deepEqual(await map('clear'), {});
  assert.deepEqual(await map('stats'), {});
  const other = await map('read_state', {});
  assert.notEqual(other.epoch, epoch);
  const ephemeral = await result(server, 'map_publish', { channel: 'eph:a', key: 'a', data: 1 });
  assert.deepEqual(Object.keys(ephemeral), ['epoch']);

  const fails = async (method, body, code) => assert.equal(JSON.parse((await ask(server, method, body)).text).error?.code, code, `${method} ${JSON.stringify(body)}`);
  await fails('map_publish', { channel: 'map:a', data: 1 }, 107);
  await fails('map_publish', { channel: 'map:a', key: 'a', data: 1, key_mode: 'other' }, 107);
  await fails('map_publish', { channel: 'map:a', key: 'x'.repeat(1_025), data: 1 }, 107);
  await fails('map_publish', { channel: 'open:a', key: 'a', data: 1 }, 107);
  await fails('map_publish', { channel: 'nowhere:a', key: 'a', data: 1 }, 102);
  await fails('map_publish', { channel: 'eph:a', key: 'a', data: 1, version: 1 }, 100);
  await fails('map_read_state', { channel: 'map:a', revision_epoch: 'another' }, 112);
  await fails('map_read_stream', { channel: 'map:a', since_epoch: 'another', since_offset: 1 }, 112);
  for (const method of ['read_state', 'read_stream', 'stats', 'clear', 'remove']) await fails(`map_${method}`, { channel: 'open:a', key: 'a' }, 107);
  await fails('publish', { channel: 'map:a', data: 1 }, 107);

  const { replies } = JSON.parse((await ask(server, 'batch', { commands: [
    { map_publish: { channel: 'map:b', key: 'a', data: 1 } }, { map_stats: { channel: 'map:b' } }, { map_publish: { channel: 'map:b' } },
  ] })).text);
  assert.deepEqual(replies.slice(1), [{ map_stats: { num_keys: 1 } }, { error: { code: 107, message: 'bad request' } }]);
  assert.equal(replies[0].map_publish.offset, 1);

  // The old form: all methods by one address.
  const old = async body => {
    const reply = await fetch(`${server.url}/api`, { method: 'POST', headers: { 'X-API-Key': 'key-of-the-tests' }, body });
    return [reply.status, await reply.text()];
  };
  const [status, lines] = await old('{"id":1,"method":"map_publish","params":{"channel":"map:c","key":"a","data":1}}{"method":"presence_stats","params":{"channel":"nowhere:a"}}\n{"id":3,"method":37,"params":{"channel":"map:c"}}{"params":{"channel":"open:a","data":1}}{"id":5,"method":15}{"id":6,"method":"info"}');
  const answers = lines.split('\n').map(line => JSON.parse(line));
  assert.equal(status, 200);
  assert.deepEqual([answers[0].id, answers[0].result.offset], [1, 1]);
  assert.deepEqual(answers.slice(1), [
    { error: { code: 102, message: 'unknown channel' } }, { id: 3, result: { num_keys: 1 } }, { result: {} },
    { id: 5, error: { code: 104, message: 'not found' } }, { id: 6, error: { code: 107, message: 'bad request' } },
  ]);
  assert.deepEqual(await old('{"method":"nothing"}'), [400, 'Bad Request\n']);
  assert.deepEqual(await old(''), [400, 'Bad Request\n']);
  assert.equal((await fetch(`${server.url}/api`, { method: 'POST', body: '{}' })).status, 401);
  assert.equal((await fetch(`${server.url}/api`)).status, 405);
});
