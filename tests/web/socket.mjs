// A client of the socket in Node, for tests that must see what the server says without a page between.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

/** Frames a text as a client does: masked. */
export function masked(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length]) : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i & 3])]);
}

/** Opens a socket; the server is silent on it until it is spoken to. */
export async function upgraded(url) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  socket.write(`GET /connection/websocket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
    + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`);
  await once(socket, 'data');
  return socket;
}

/** Takes whole text frames from the front of a buffer; gives their texts and the rest. */
function frames(buffer) {
  const texts = [];
  let rest = buffer;
  while (rest.length >= 2) {
    const short = rest[1] & 127;
    const at = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (rest.length < at) break;
    const length = short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short;
    if (rest.length < at + length) break;
    if ((rest[0] & 15) === 1) texts.push(rest.subarray(at, at + length).toString());
    rest = rest.subarray(at + length);
  }
  return { texts, rest };
}

/**
 * Connects; `published(channel, data, offset)` is called for each publication. Gives `ask`, which sends a command and
 * gives its reply or throws its error. The socket is closed when the test ends.
 */
export async function socketFor(t, url, published = () => undefined) {
  const socket = await upgraded(url);
  const waiting = new Map();
  let last = 0;
  let pending = Buffer.alloc(0);
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', bytes => {
    const { texts, rest } = frames(Buffer.concat([pending, bytes]));
    pending = rest;
    for (const line of texts.flatMap(text => text.split('\n')).filter(text => text !== '')) {
      if (line === '{}') {
        socket.write(masked('{}'));
        continue;
      }
      const { id, push, error, ...reply } = JSON.parse(line);
      if (push?.pub) published(push.channel, push.pub.data, push.pub.offset);
      const [done, failed] = waiting.get(id) ?? [];
      waiting.delete(id);
      if (error) failed?.(new Error(`${error.code}: ${error.message}`));
      else done?.(Object.values(reply)[0]);
    }
  });
  const ask = command => new Promise((done, failed) => {
    waiting.set(++last, [done, failed]);
    socket.write(masked(JSON.stringify({ id: last, ...command })));
  });
  await ask({ connect: {} });
  return { ask };
}
