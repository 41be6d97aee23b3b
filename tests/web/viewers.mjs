// Viewers without a browser: each subscribes to what a page draws, answers pings, and throws the rest away.
import { masked, upgraded } from './socket.mjs';

const PING = Buffer.from([0x81, 2, 0x7b, 0x7d]);

/** What a page asks for at first: each query in the step of the shortest range. */
export function subscriptionsOf(boot) {
  const { step, seconds } = boot.ranges[0];
  return boot.panels.flatMap(panel => panel.queries).map(query => ({
    channel: query.channels[step], data: { expr: query.expr, step, window: seconds * 1_000 },
  }));
}

/** Connects viewers; they leave when the test ends. Gives a way to read how many are still there. */
export async function startViewers(t, url, count, subscriptions) {
  const commands = [{ id: 1, connect: {} }, ...subscriptions.map((subscribe, i) => ({ id: i + 2, subscribe }))];
  const sockets = [];
  t.after(() => { for (const socket of sockets) socket.destroy(); });
  for (let i = 0; i < count; i++) {
    const socket = await upgraded(url);
    sockets.push(socket);
    // Bytes 0x81 and 2 in this order stand in no JSON of ours, so the search meets frames alone.
    socket.on('data', bytes => { if (bytes.includes(PING)) socket.write(masked('{}')); });
    for (const command of commands) socket.write(masked(JSON.stringify(command)));
  }
  return { present: () => sockets.filter(socket => !socket.destroyed && socket.readable).length };
}
