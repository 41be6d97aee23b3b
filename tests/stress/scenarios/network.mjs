// The network between clients and nodes fails, or a client does not read.
import { until } from '../../web/support.mjs';
import { upgraded, masked } from '../../web/socket.mjs';
import { token } from '../../web/clients.mjs';
import { SECRET } from '../nodes.mjs';
import { wait } from '../stream.mjs';

/** Reconnects that are forced in all rounds of a deployment together: what they cost is the same with each Redis. */
const RECONNECTS = { one: 1_000, two: 1_000, cluster: 300 };

const storm = {
  name: 'storm', about: '1,000 forced reconnects (300 with a cluster) while publishing, in four ways: reset, in mid-frame, by the client, by the server API',
  rounds: 2, kinds: ['one', 'two', 'cluster'],
  async round({ deployment, stream, random, rounds, check }) {
    const [channels, maps] = [['kept:a', 'kept:b', 'asked:a', 'delta:a'], ['recoverable:a', 'persistent:a', 'ephemeral:a']];
    await stream.read({ count: 25, channels, maps });
    stream.byApi(3, { channels });
    stream.maps.change(2, { maps });
    const writers = await stream.byClients(2, { channels });
    const readers = stream.readers.filter(reader => !writers.includes(reader));
    const wanted = Math.ceil(RECONNECTS[deployment.kind] / rounds);
    const begun = new Map(readers.map(reader => [reader, reader.connects]));
    const forced = () => readers.reduce((sum, reader) => sum + reader.connects - begun.get(reader), 0);
    const ways = {};
    const lose = async reader => {
      const own = random.fork(reader.name);
      while (forced() < wanted) {
        await until('it is connected', () => reader.isConnected);
        await wait(own.between(0, 40));
        if (deployment.nodes.length > 1 && own.chance(0.3)) reader.moveTo(own.pick(deployment.nodes));
        if (own.chance(0.2)) {
          reader.again(own);
          await wait(own.between(0, 10));
        }
        const before = reader.connects;
        const how = await reader.lose(own);
        await until(`it is back after ${how}`, () => reader.connects > before || forced() >= wanted);
        ways[how] = (ways[how] ?? 0) + 1;
      }
    };
    await Promise.all(readers.map(lose));
    check(stream.figures().unsure === 0, `${stream.figures().unsure} publications without an answer`);
    return { forced: forced(), ways };
  },
};

const cut = {
  name: 'cut', about: 'networks that are cut, stalled without a word, and slow, each client by itself',
  async round({ stream, random }) {
    const [channels, maps] = [['kept:c', 'asked:c', 'delta:c'], ['recoverable:c', 'persistent:c', 'ephemeral:c']];
    const readers = await stream.read({ count: 15, channels, maps });
    stream.byApi(2, { channels });
    stream.maps.change(2, { maps });
    await stream.more(40);
    const done = { cut: 0, stalled: 0, slow: 0, shut: 0 };
    const harm = {
      async cut({ door }, own) {
        for (let i = 0; i < 3; i++) {
          door.cut();
          await wait(own.between(50, 500));
        }
      },
      // Longer than a ping may be late: both sides find out by themselves.
      async stalled({ door }) {
        door.stall();
        await wait(4_200);
        door.resume();
      },
      async slow({ door }, own) {
        door.delay = own.between(50, 400);
        await wait(1_500);
        if (own.chance(0.5)) door.cut();
        door.delay = 0;
      },
      async shut({ door }, own) {
        door.isShut = true;
        door.cut();
        await wait(own.between(200, 1_500));
        door.isShut = false;
      },
    };
    const kinds = Object.keys(harm);
    await Promise.all(readers.map(async (reader, i) => {
      const kind = kinds[i % kinds.length];
      await harm[kind](reader, random.fork(reader.name));
      done[kind]++;
    }));
    await stream.more(40);
    return done;
  },
};

/** The close code of who does not read. */
const SLOW = 3008;

/** What the server says on a WebSocket until its end: the code of the close. */
function closeOf(socket) {
  return new Promise(resolve => {
    let bytes = Buffer.alloc(0);
    const code = () => {
      const at = bytes.lastIndexOf(0x88);
      return at >= 0 && at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : null;
    };
    socket.on('data', more => { bytes = Buffer.concat([bytes.subarray(-512), more]); });
    socket.on('error', () => resolve(code()));
    socket.on('close', () => resolve(code()));
  });
}

const slow = {
  name: 'slow', about: 'readers that stop reading are closed with 3008 and counted; all others have everything',
  rounds: 2,
  // Who does not read answers no ping: it is not to be closed for that.
  deployment: { client: { ping_interval: '25s', pong_timeout: '20s' } },
  async round({ deployment, stream, scope, check }) {
    const channels = ['kept:s'];
    await stream.read({ count: 5, channels, each: 1 });
    const node = deployment.nodes[0];
    const [stalled] = await stream.read({ count: 1, channels, each: 1, nodes: [node] });
    const closes = async () => (await node.metrics()).get(`watchroom_closes_total{code="${SLOW}"}`) ?? 0;
    const before = await closes();
    const raw = await upgraded(node.url);
    scope.after(() => raw.destroy());
    raw.on('error', () => undefined);
    raw.write(masked(JSON.stringify({ id: 1, connect: { token: token({ sub: 'raw' }, SECRET) } })));
    raw.write(masked(JSON.stringify({ id: 2, subscribe: { channel: 'kept:s' } })));
    const isThere = async user => Object.values((await node.api('presence', { channel: 'kept:s' })).presence).some(one => one.user === user);
    await until('the slow one is subscribed', () => isThere('raw'));
    // A slow machine's other readers may be closed, too: they know of it at once.
    const others = stream.readers.filter(reader => reader !== stalled);
    const silent = async () => (await closes()) - before - others.flatMap(reader => reader.codes).filter(code => code === SLOW).length;
    // One after the other: what is told to one who does not read is told for two seconds only.
    const untilClosed = count => until('the slow one is closed', async () => {
      if ((await silent()) < count) return false;
      await wait(50);
      return (await silent()) >= count;
    }, 20_000);
    raw.pause();
    stream.byApi(4, { channels, pause: 0, length: 16_000 });
    await untilClosed(1);
    const ended = closeOf(raw);
    raw.resume();
    const code = await ended;
    check(code === SLOW, `the slow reader was closed with ${code}, not ${SLOW}`);
    stalled.door.stall();
    await untilClosed(2);
    stalled.door.resume();
    await until('it knows', () => stalled.codes.length > 0);
    check(stalled.codes[0] === SLOW, `the stalled reader (${stalled.way.way}) was told ${stalled.codes[0]}, not ${SLOW}`);
    await stream.more(10);
    const closed = (await closes()) - before;
    check(closed >= 2, `${closed} closes were counted`);
    return { closed };
  },
};

export default [storm, cut, slow];
