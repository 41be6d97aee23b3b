// Viewers without a browser: each subscribes to what a page draws, answers pings, and throws the rest away.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const PING = Buffer.from([0x81, 2, 0x7b, 0x7d]);

/** Frames a text as a client does: masked. */
function masked(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length]) : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i & 3])]);
}

/** What a page asks for at first: each query in the step of the shortest range. */
export function subscriptionsOf(boot) {
  const { step, seconds } = boot.ranges[0];
  return boot.panels.flatMap(panel => panel.queries).map(query => ({
    channel: query.channels[step], data: { expr: query.expr, step, window: seconds * 1_000 },
  }));
}

/** Connects viewers; they leave when the test ends. Gives a way to read how many are still there. */
export async function startViewers(t, url, count, subscriptions) {
  const { hostname, port, host } = new URL(url);
  const commands = [{ id: 1, connect: {} }, ...subscriptions.map((subscribe, i) => ({ id: i + 2, subscribe }))];
  const sockets = [];
  t.after(() => { for (const socket of sockets) socket.destroy(); });
  for (let i = 0; i < count; i++) {
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(`GET /connection/websocket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`);
    await once(socket, 'data');
    // Bytes 0x81 and 2 in this order stand in no JSON of ours, so the search meets frames alone.
    socket.on('data', bytes => { if (bytes.includes(PING)) socket.write(masked('{}')); });
    for (const command of commands) socket.write(masked(JSON.stringify(command)));
  }
  return { present: () => sockets.filter(socket => !socket.destroyed && socket.readable).length };
}
