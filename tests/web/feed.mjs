// A small server for measuring the page alone: the real page and assets, and 24 panels of 4 series from a made-up feed.
// It speaks just as much of the protocol as the page needs, over a WebSocket of its own.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/** What the channels of live queries begin with. */
const LIVE = '@live:';
const STEP = 1_000;
const PANELS = 24;
const SERIES = 4;
const ACCEPT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const valueAt = (panel, series, k) => 40 + 20 * Math.sin(k / 37 + panel) + 9 * Math.sin(k / 5 + series * 2) + ((k * 7919 + panel * 31 + series * 17) % 13);

function encode(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : body.length < 65_536 ? Buffer.from([0x81, 126, body.length >> 8, body.length & 255]) : Buffer.alloc(10);
  if (head.length === 10) {
    head.writeUInt8(0x81, 0);
    head.writeUInt8(127, 1);
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  return Buffer.concat([head, body]);
}

/** Gives the text frames in a buffer, and what is left of it. */
function decode(buffer) {
  const texts = [];
  let rest = buffer;
  while (rest.length >= 6) {
    const short = rest[1] & 127;
    const at = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (rest.length < at + 4) break;
    const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
    if (rest.length < at + 4 + length) break;
    const mask = rest.subarray(at, at + 4);
    const body = Buffer.from(rest.subarray(at + 4, at + 4 + length)).map((byte, i) => byte ^ mask[i & 3]);
    if ((rest[0] & 15) === 1) texts.push(body.toString());
    rest = rest.subarray(at + 4 + length);
  }
  return { texts, rest };
}

/** Serves the page of a running server with a boot JSON of our own; gives its address and a way to end it. */
export async function startFeed(base, page, points) {
  const sockets = new Set();
  const panels = Array.from({ length: PANELS }, (_, i) => ({
    id: `p${i}`, title: `Panel ${i + 1}`, unit: 'units', kind: 'line', width: 2, decimals: 1,
    queries: [{ expr: `p${i}`, legend: '{{s}}', channels: { [STEP]: `${LIVE}${i}` } }],
  }));
  const boot = {
    now: Date.now(), room: { id: 'load', title: 'Load', href: '/' }, panels, socket: '/feed', range: 'w',
    ranges: [{ id: 'w', seconds: points * STEP / 1000, step: STEP }],
  };
  const html = (await (await fetch(page)).text())
    .replace(/(<script type="application\/json" id="boot">).*?(<\/script>)/s, (_, a, b) => a + JSON.stringify(boot) + b)
    .replace(/<div class="grid">.*?<\/div>\s*<\/main>/s, '<div class="grid"></div></main>')
    .replace(/<div class="segments.*?<\/div>/s, '').replace(/<option.*<\/option>/s, '<option>w</option>');

  const server = createServer(async (request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    const asset = await fetch(base + request.url);
    response.writeHead(asset.status, { 'content-type': asset.headers.get('content-type') ?? 'text/plain' }).end(Buffer.from(await asset.arrayBuffer()));
  });
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + ACCEPT).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const client = { send: message => socket.write(encode(JSON.stringify(message))), subscribed: new Set() };
    sockets.add(client);
    let pending = Buffer.alloc(0);
    socket.on('data', bytes => {
      const { texts, rest } = decode(Buffer.concat([pending, bytes]));
      pending = rest;
      for (const line of texts.flatMap(text => text.split('\n')).filter(text => text !== '')) answer(client, JSON.parse(line), points);
    });
    socket.on('close', () => sockets.delete(client));
    socket.on('error', () => sockets.delete(client));
  });
  let last = Math.floor(Date.now() / STEP);
  const timer = setInterval(() => {
    const k = Math.floor((Date.now() - 10) / STEP);
    for (; last < k; last++) for (const client of sockets) for (const panel of client.subscribed) client.send(step(panel, last + 1));
  }, 10);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => { clearInterval(timer); server.closeAllConnections(); server.close(); } };
}

function step(panel, k) {
  const v = Array.from({ length: SERIES }, (_, s) => [valueAt(panel, s, k)]);
  return { push: { channel: `${LIVE}${panel}`, pub: { offset: k, data: { t: [k * STEP], v, at: Date.now() } } } };
}

function answer(client, command, points) {
  const { id } = command;
  if (command.connect) client.send({ id, connect: { client: 'one', version: '0', ping: 25, pong: true } });
  else if (command.rpc) client.send({ id, rpc: { data: { now: Date.now() } } });
  else if (command.presence) client.send({ id, presence: { presence: {} } });
  else if (command.subscribe?.channel.startsWith(LIVE)) {
    const panel = Number(command.subscribe.channel.slice(LIVE.length));
    const end = Math.floor(Date.now() / STEP);
    const ks = Array.from({ length: points }, (_, i) => end - points + 1 + i);
    const data = {
      step: STEP, series: Array.from({ length: SERIES }, (_, s) => ({ s: `s${s}` })), t: ks.map(k => k * STEP), more: 0,
      v: Array.from({ length: SERIES }, (_, s) => ks.map(k => valueAt(panel, s, k))),
    };
    client.send({ id, subscribe: { recoverable: true, positioned: true, epoch: 'e', offset: end, data } });
    client.subscribed.add(panel);
  } else if (command.subscribe) client.send({ id, subscribe: {} });
}
