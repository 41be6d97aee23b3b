// Centrifugo's protocol word by word: what is sent, what comes, and what closes the connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Socket, configWith, hub, now, result, token } from './clients.mjs';
import { until } from './support.mjs';

const error = (id, code, message) => JSON.stringify({ id, error: { code, message } });
const denied = id => error(id, 103, 'permission denied');

test('frames', { timeout: 60_000 }, async t => {
  const server = await hub(t);
  const connected = async (more = {}, how = {}) => {
    const one = await Socket.to(t, server, how);
    await one.connect(more);
    return one;
  };

  await t.test('the reply to connect has nothing that is empty', async () => {
    const one = await Socket.to(t, server);
    const [reply] = await one.tell({ id: 1, connect: {} });
    assert.match(reply, /^\{"id":1,"connect":\{"client":"[0-9a-f-]{36}","version":"[^"]+","ping":25,"pong":true\}\}$/);
    const { subs, expires, ttl } = await (await Socket.to(t, server)).connect({ token: token({ sub: 'ann', exp: now() + 60, subs: { 'open:a': { data: { n: 1 } } } }) });
    assert.deepEqual({ subs, expires, ttl }, { subs: { 'open:a': { data: { n: 1 } }, 'personal:#ann': {} }, expires: true, ttl: 60 });
  });

  await t.test('what closes with 3501', async () => {
    for (const frame of ['', 'junk', '{}', '{"id":5}', '{"id":"5","publish":{"channel":"open:a","data":1}}', '{"id":-1,"publish":{}}', '{"id":5,"ping":{}}',
      '{"id":5,"connect":{}}', '{"id":5,"subscribe":{"channel":""}}', '{"id":5,"history":{}}', '{"id":5,"refresh":{}}',
      '{"id":5,"subscribe":{"channel":"delta:a","delta":"other"}}', '{"id":5,"publish":{"channel":"room:a","data":{"a":}}}', '{"subscribe":{"channel":"open:a"}}']) {
      const one = await connected();
      one.send(frame);
      assert.deepEqual([await one.end(), one.reason], [3501, 'bad request'], frame);
    }
    for (const first of ['{}', '{"id":1,"subscribe":{"channel":"open:a"}}', '{"id":1,"connect":{"subs":{"nowhere:a":{}}}}']) {
      const one = await Socket.to(t, server);
      one.send(first);
      assert.equal(await one.end(), 3501, first);
    }
    const sends = await connected();
    sends.send({ send: { data: 1 } });
    assert.equal(await sends.end(), 3508);
    const large = await connected();
    large.send(`{"id":2,"unsubscribe":{"channel":"${'x'.repeat(66_000)}"}}`);
    assert.equal(await large.end(), 1009);
  });

  await t.test('several commands in a frame, to the first bad one', async () => {
    const one = await connected();
    assert.deepEqual(await one.tell('{"id":2,"unsubscribe":{"channel":"open:a"}}\n{"id":3,"presence":{"channel":"open:a"}}\n', 2), ['{"id":2,"unsubscribe":{}}', error(3, 108, 'not available')]);
    const order = await one.tell(['{"id":4,"subscribe":{"channel":"open:new"}}', '{"id":5,"publish":{"channel":"open:new","data":1}}', '{"id":6,"unsubscribe":{"channel":"open:new"}}'].join('\n'), 3);
    assert.deepEqual(order.filter(line => !line.includes('push')), ['{"id":4,"subscribe":{}}', '{"id":5,"publish":{}}', '{"id":6,"unsubscribe":{}}']);
    assert.deepEqual(await one.tell('{"id":7,"unsubscribe":{"channel":"open:a"}}\n\n{"id":8,"unsubscribe":{"channel":"open:a"}}'), ['{"id":7,"unsubscribe":{}}']);
    assert.equal(await one.end(), 3501);
  });

  await t.test('subscriptions and their refusals', async () => {
    const one = await connected();
    const said = async (channel, more = {}) => (await one.tell({ id: 2, subscribe: { channel, ...more } }))[0];
    assert.equal(await said('open:a'), '{"id":2,"subscribe":{}}');
    assert.equal(await said('open:a'), error(2, 105, 'already subscribed'));
    assert.equal(await said('nowhere:a'), error(2, 102, 'unknown channel'));
    for (const channel of ['users:a', 'a', '$open:a']) assert.equal(await said(channel), denied(2), channel);
    for (const channel of ['open:é', 'short:A', `open:${'x'.repeat(251)}`]) assert.equal(await said(channel), error(2, 107, 'bad request'), channel);
    assert.equal(await said('open:b', { tf: { key: 'a', cmp: 'eq', val: '1' } }), error(2, 107, 'bad request'));
    assert.equal(await said('tags:b', { tf: { key: 'a', cmp: 'nothing', val: '1' } }), error(2, 107, 'bad request'));
    const allowed = claims => ({ token: token({ sub: '', channel: '$users:t', ...claims }) });
    assert.equal(await said('$users:t', { token: token({ sub: '', channel: '$users:t' }, 'another') }), denied(2));
    assert.equal(await said('$users:t', allowed({ exp: now() - 5 })), error(2, 109, 'token expired'));
    assert.equal(await said('$users:t', allowed({ exp: now() + 60, data: [1] })), '{"id":2,"subscribe":{"expires":true,"ttl":60,"data":[1]}}');
    for (let n = 0; n < 8; n++) assert.equal(await said(`open:${n}`), '{"id":2,"subscribe":{}}');
    assert.equal(await said('open:more'), error(2, 106, 'limit exceeded'));
    const other = await connected();
    other.send({ id: 2, subscribe: { channel: '$users:u', ...allowed({}) } });
    assert.equal(await other.end(), 3500);
  });

  await t.test('positions and recovery', async () => {
    const { epoch } = await result(server, 'publish', { channel: 'asked:r', data: 1 });
    for (let n = 2; n <= 8; n++) await result(server, 'publish', { channel: 'asked:r', data: n });
    const one = await connected();
    const said = async more => {
      const [{ subscribe, error: failed }] = (await one.tell({ id: 2, subscribe: { channel: 'asked:r', ...more } })).map(line => JSON.parse(line));
      await one.tell({ id: 3, unsubscribe: { channel: 'asked:r' } });
      return subscribe ?? failed.code;
    };
    const top = { epoch, offset: 8, positioned: true };
    assert.deepEqual(await said({}), {});
    assert.deepEqual(await said({ positioned: true }), top);
    assert.deepEqual(await said({ recoverable: true }), { recoverable: true, ...top });
    assert.deepEqual(await said({ recoverable: true, recover: true, offset: 6, epoch }), {
      recoverable: true, epoch, publications: [{ data: 7, offset: 7 }, { data: 8, offset: 8 }], recovered: true, offset: 6, positioned: true, was_recovering: true,
    });
    for (const lost of [{ offset: 1, epoch }, { offset: 9, epoch }, { offset: 8, epoch: 'other' }]) {
      assert.deepEqual(await said({ recoverable: true, recover: true, ...lost }), { recoverable: true, ...top, was_recovering: true });
      assert.equal(await said({ recoverable: true, recover: true, ...lost, flag: 2 }), 112);
    }
  });

  await t.test('data is passed on as it is, but for newlines', async () => {
    const one = await connected();
    await one.tell({ id: 2, subscribe: { channel: 'binary:a' } });
    const pushed = async data => {
      const before = one.said.length;
      await result(server, 'publish', { channel: 'binary:a', b64data: Buffer.from(data).toString('base64') });
      await until('the push', () => one.said.length > before || one.closed !== null);
      return one.said[before];
    };
    assert.equal(await pushed('{"a": 1e999,  "b":"\\u00e9"}'), '{"push":{"channel":"binary:a","pub":{"data":{"a": 1e999,  "b":"\\u00e9"}}}}');
    assert.deepEqual(JSON.parse(await pushed('{"a":\n1}')).push.pub, { data: { a: 1 } });
    await pushed(Buffer.from([0xff]));
    assert.equal(await one.end(), 3506);
  });

  await t.test('refreshes', async () => {
    const closes = async (claims, refreshed) => {
      const one = await connected({ token: token({ sub: 'ann', exp: now() + 60, ...claims }) });
      one.send({ id: 2, refresh: { token: token(refreshed) } });
      return one.end();
    };
    assert.equal(await closes({}, { sub: 'ann', exp: now() - 5 }), 3005);
    assert.equal(await closes({}, { sub: 'bob' }), 3500);
    assert.equal(await closes({}, { sub: 'ann', channels: ['open:more'] }), 3010);
    assert.equal(await closes({ channels: ['open:more'] }, { sub: 'ann' }), 3010);
    const one = await connected({ token: token({ sub: 'ann', exp: now() + 1 }) });
    assert.equal(await one.end(), 3005);
  });

  await t.test('binary frames', async () => {
    const bytes = hex => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    const text = value => Buffer.from(value).toString('hex');
    for (const how of [{ query: '?format=protobuf' }, { query: '?cf_protocol=protobuf' }, { protocol: 'centrifuge-protobuf' }]) {
      const one = await Socket.to(t, server, how);
      assert.match((await one.tell(bytes('04 0801 2200')))[0], /^..08012a/);
      assert.deepEqual(await one.tell(bytes(`0c 0802 2a08 0a06 ${text('open:a')}`)), ['0408023200']);
      assert.deepEqual(await one.tell(bytes(`0c 0803 3208 0a06 ${text('open:a')}`)), ['0408033a00']);
      one.send(bytes('09 08'));
      assert.equal(await one.end(), 3501);
    }
    const both = await Socket.to(t, server, { protocol: ['centrifuge-protobuf', 'centrifuge-json'] });
    assert.equal(both.web.protocol, 'centrifuge-json');
  });
});

test('pings, pongs, and those who never speak', { timeout: 60_000 }, async t => {
  const server = await hub(t, configWith({ ping_interval: '2s', pong_timeout: '1s', stale_close_delay: '1s' }));
  const [silent, stale, polite] = await Promise.all([1, 2, 3].map(() => Socket.to(t, server)));
  polite.web.addEventListener('message', ({ data }) => data === '{}' && polite.send('{}'));
  await silent.connect();
  await polite.connect();
  assert.equal(await stale.end(), 3502);
  assert.equal(await silent.end(), 3012);
  assert.equal(silent.said.at(-1), '{}');
  await until('two pings', () => polite.said.filter(line => line === '{}').length === 2);
  assert.equal(polite.closed, null);
  polite.send('{}');
  assert.equal(await polite.end(), 3501);
});

test('origins', { timeout: 60_000 }, async t => {
  const server = await hub(t);
  const asked = origin => fetch(`${server.url}/emulation`, { method: 'OPTIONS', headers: { origin } });
  const friend = await asked('https://friend.example');
  assert.deepEqual([friend.status, friend.headers.get('access-control-allow-origin'), friend.headers.get('access-control-allow-credentials')], [204, 'https://friend.example', 'true']);
  assert.equal((await asked('https://stranger.example')).headers.get('access-control-allow-origin'), null);
});
