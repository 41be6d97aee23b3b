// The server API of Centrifugo, and the streams over HTTP, without a client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Socket, ask, hub, now, result, token } from './clients.mjs';
import { until } from './support.mjs';

const BAD = '{"error":{"code":107,"message":"bad request"}}';
const UNKNOWN = '{"error":{"code":102,"message":"unknown channel"}}';
const same = async (server, method, body, expected) => {
  const { status, text } = await ask(server, method, body);
  assert.deepEqual([status, text && JSON.parse(text)], [200, JSON.parse(expected)], `${method} ${JSON.stringify(body)}`);
};

test('the server API', { timeout: 60_000 }, async t => {
  const server = await hub(t);

  await t.test('keys and bodies', async () => {
    const key = 'key-of-the-tests';
    for (const headers of [{}, { 'X-API-Key': 'other' }, { 'X-API-Key': 'other', authorization: `apikey ${key}` }]) {
      assert.deepEqual(await ask(server, 'info', {}, headers), { status: 401, text: '' });
    }
    assert.equal((await ask(server, 'info', {}, { authorization: `APIKEY ${key}` })).status, 200);
    assert.equal((await ask(server, `info?api_key=${encodeURIComponent(key)}`, {}, {})).status, 200);
    assert.equal((await fetch(`${server.url}/api/info`)).status, 405);
    for (const body of ['', '{', '{"channel":1}', '{"channel":"open:a","data":1}{}']) {
      assert.deepEqual(await ask(server, 'publish', body), { status: 400, text: 'Bad Request\n' }, body);
    }
    assert.equal((await ask(server, 'nothing')).status, 404);
    const transport = { 'X-API-Key': key, 'X-Centrifugo-Error-Mode': 'transport' };
    assert.deepEqual(await ask(server, 'publish', { channel: 'nowhere:a', data: 1 }, transport), { status: 404, text: '{"code":102,"message":"unknown channel"}' });
    assert.equal((await ask(server, 'publish', {}, transport)).status, 400);
  });

  await t.test('publish, broadcast, history', async () => {
    for (const body of [{}, { channel: 'open:a' }, { channel: 'open:a', b64data: '!' }, { channel: 'object:a', data: 1 }]) await same(server, 'publish', body, BAD);
    await same(server, 'publish', { channel: 'nowhere:a', data: 1 }, UNKNOWN);
    await same(server, 'publish', { channel: 'open:a', data: 1 }, '{"result":{}}');
    await same(server, 'publish', { channel: 'open:a', data: null }, '{"result":{}}');
    const { epoch } = await result(server, 'publish', { channel: 'room:a', data: 1, idempotency_key: 'k', version: 3 });
    await same(server, 'publish', { channel: 'room:a', data: 2, idempotency_key: 'k' }, `{"result":{"offset":1,"epoch":"${epoch}"}}`);
    await same(server, 'publish', { channel: 'room:a', data: 2, version: 3 }, `{"result":{"offset":1,"epoch":"${epoch}"}}`);
    await same(server, 'publish', { channel: 'room:a', data: 2, version: 4, tags: { a: 'b' } }, `{"result":{"offset":2,"epoch":"${epoch}"}}`);
    await same(server, 'publish', { channel: 'room:a', data: 3, skip_history: true }, '{"result":{}}');
    const { responses } = await result(server, 'broadcast', { channels: ['room:a', 'nowhere:a', ''], data: 3 });
    assert.deepEqual(responses, [{ result: { offset: 3, epoch } }, JSON.parse(UNKNOWN), JSON.parse(BAD)]);
    await same(server, 'broadcast', { channels: [], data: 3 }, BAD);

    const offsets = async body => (await result(server, 'history', { channel: 'room:a', ...body })).publications.map(({ offset }) => offset);
    assert.deepEqual(await offsets({}), []);
    assert.deepEqual(await offsets({ limit: -1 }), [1, 2, 3]);
    assert.deepEqual(await offsets({ limit: 2, reverse: true }), [3, 2]);
    assert.deepEqual(await offsets({ limit: 9, since: { offset: 1, epoch } }), [2, 3]);
    assert.deepEqual((await result(server, 'history', { channel: 'room:a', limit: 9, since: { offset: 1 } })).publications[0], { data: 2, offset: 2, tags: { a: 'b' } });
    await same(server, 'history', { channel: 'room:a', since: { offset: 1, epoch: 'other' } }, '{"error":{"code":112,"message":"unrecoverable position"}}');
    await same(server, 'history', { channel: 'open:a' }, '{"error":{"code":108,"message":"not available"}}');
    await same(server, 'history_remove', { channel: 'room:a' }, '{"result":{}}');
    await same(server, 'history', { channel: 'room:a', limit: 9 }, `{"result":{"publications":[],"offset":3,"epoch":"${epoch}"}}`);
  });

  await t.test('batch', async () => {
    const { text } = await ask(server, 'batch', { commands: [{ publish: { channel: 'open:a', data: 1 } }, { nothing: {} }, {}, null, { presence_stats: { channel: 'room:b' } }] });
    const missing = { error: { code: 104, message: 'not found' } };
    assert.deepEqual(JSON.parse(text).replies, [{ publish: {} }, missing, missing, JSON.parse(BAD), { presence_stats: { num_clients: 0, num_users: 0 } }]);
  });

  await t.test('what is done to those who are connected', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => Socket.to(t, server)));
    const { client } = await one.connect({ token: token({ sub: 'ann' }) });
    const other = (await two.connect({ token: token({ sub: 'ann' }) })).client;
    const pushed = async (socket, what) => JSON.parse(await until(what, () => socket.said.find(line => line.includes(`"${what}"`)))).push;

    await result(server, 'subscribe', { user: 'ann', client, channel: 'room:c', data: { n: 1 }, info: { seat: 4 } });
    const { channel, subscribe } = await pushed(one, 'subscribe');
    assert.deepEqual([channel, subscribe.recoverable, subscribe.data], ['room:c', true, { n: 1 }]);
    assert.deepEqual((await result(server, 'presence', { channel: 'room:c' })).presence, { [client]: { user: 'ann', client, chan_info: { seat: 4 } } });
    assert.deepEqual(await result(server, 'presence_stats', { channel: 'room:c' }), { num_clients: 1, num_users: 1 });
    assert.deepEqual((await result(server, 'channels', { pattern: 'room:*' })).channels, { 'room:c': { num_clients: 1 } });
    assert.deepEqual((await result(server, 'info')).nodes.map(node => [node.num_clients, node.num_users]), [[2, 1]]);
    assert.equal(two.said.length, 1);

    await result(server, 'refresh', { user: 'ann', client, expire_at: now() + 60, info: { name: 'Ann' } });
    assert.deepEqual((await pushed(one, 'refresh')).refresh, { expires: true, ttl: 60 });
    await result(server, 'unsubscribe', { user: 'ann', channel: 'room:c' });
    assert.deepEqual((await pushed(one, 'unsubscribe')).unsubscribe, { code: 2000, reason: 'server unsubscribe' });
    await result(server, 'disconnect', { user: 'ann', whitelist: [other], disconnect: { code: 4123, reason: 'go' } });
    assert.deepEqual([await one.end(), one.reason, two.closed], [4123, 'go', null]);
    await result(server, 'refresh', { user: 'ann', expired: true });
    assert.equal(await two.end(), 3005);
    for (const method of ['subscribe', 'unsubscribe']) await same(server, method, { user: 'ann', channel: 'nowhere:a' }, UNKNOWN);
    await same(server, 'disconnect', { user: 'nobody' }, '{"result":{}}');
  });
});

test('streams over HTTP', { timeout: 60_000 }, async t => {
  const server = await hub(t);
  const gone = new AbortController();
  t.after(() => gone.abort());
  const stream = async (path, options = {}) => {
    const reply = await fetch(server.url + path, { signal: gone.signal, ...options });
    const one = { reply, text: '', ended: false };
    void (async () => {
      for await (const chunk of reply.body.pipeThrough(new TextDecoderStream())) one.text += chunk;
      one.ended = true;
    })().catch(() => undefined);
    return one;
  };
  const emulate = async body => (await fetch(`${server.url}/emulation`, { method: 'POST', body: JSON.stringify(body) })).status;

  const sse = await stream(`/connection/sse?cf_connect=${encodeURIComponent('{"id":1,"connect":{}}')}`);
  assert.deepEqual([sse.reply.status, sse.reply.headers.get('content-type')], [200, 'text/event-stream; charset=utf-8']);
  await until('the reply to connect', () => sse.text.endsWith('\n\n') && sse.text.length > 2);
  const [, connect] = /^\r\ndata: (.*)\n\n$/.exec(sse.text);
  const { session, node } = JSON.parse(connect).connect;
  assert.equal(await emulate({ session, node, data: '{"id":2,"subscribe":{"channel":"open:a"}}\n{"id":3,"publish":{"channel":"open:a","data":1}}' }), 204);
  await until('both replies', () => sse.text.includes('{"id":2,"subscribe":{}}') && sse.text.includes('{"id":3,"publish":{}}'));
  assert.equal(await emulate({ session, node: 'another', data: '{}' }), 404);
  assert.equal(await emulate({ session: 'another', node, data: '{}' }), 204);
  assert.equal(await emulate({ session, node, data: '' }), 204);
  await until('the end', () => sse.ended);
  assert.ok(sse.text.endsWith('\n\ndata: {"push":{"disconnect":{"code":3501,"reason":"bad request"}}}\n\n'), sse.text);

  const json = await stream('/connection/http_stream', { method: 'POST', body: `{"id":1,"connect":{"token":"${token({ sub: 'ann' }, 'another')}"}}` });
  await until('the end', () => json.ended);
  assert.deepEqual([json.reply.status, json.text], [200, '{"push":{"disconnect":{"code":3500,"reason":"invalid token"}}}\n']);
  const status = async (path, options) => (await fetch(server.url + path, options)).status;
  assert.equal(await status('/connection/sse'), 400);
  assert.equal(await status('/connection/http_stream'), 405);
  assert.equal(await status('/emulation', { method: 'POST', body: 'junk' }), 400);
  for (const path of ['/connection/sse', '/connection/http_stream', '/emulation']) {
    assert.equal(await status(path, { method: 'POST', body: 'x'.repeat(66_000) }), 413, path);
  }
});
