// watchroom's own rooms: what was said is on disk, or in Redis, before it is answered.
import { masked, upgraded } from '../../web/socket.mjs';
import { until } from '../../web/support.mjs';
import { WAYS } from '../../web/clients.mjs';
import { wait } from '../stream.mjs';

const room = 'host';
const channels = [`@room:${room}`];
/** The ways in that a server without a configuration of Centrifugo has. */
const ways = WAYS.filter(({ transport }) => transport === 'websocket');

const rooms = {
  name: 'rooms', about: 'people talk while nodes are killed, Redis is restarted and networks are cut: each comment once, none lost',
  restarts: true,
  deployment: { rooms: true, keeps: true },
  async round({ deployment, stream, random, check }) {
    const readers = await stream.read({ count: 8, channels, each: 1, ways, rooms: true });
    const writers = await stream.byPeople(6, { room });
    await stream.more(40);
    const all = [...readers, ...writers];
    for (const reader of random.some(all, 5)) await reader.lose(new Lot(random));
    await stream.more(20);
    for (const node of random.some(deployment.nodes, 1)) {
      const other = deployment.nodes.find(one => one !== node);
      const here = all.filter(reader => reader.node === node);
      await node.end('SIGKILL');
      if (other) here.forEach(reader => reader.moveTo(other));
      await wait(random.between(0, 400));
      await node.start();
      await stream.more(20);
    }
    if (deployment.redis) {
      await deployment.redis.end(random.pick(['SIGKILL', 'SIGTERM']));
      await wait(random.between(100, 900));
      await deployment.redis.start();
      await stream.more(20);
    }
    await until('all are back', () => stream.readers.every(reader => reader.isConnected && reader.isSubscribed), 20_000);
    const { refused } = stream.figures();
    check(refused === 0, `${refused} readers were told "not recovered"`);
  },
};

/** As the seed says, but never by the server API, which such a server does not have. */
class Lot {
  constructor(random) {
    this.between = random.between.bind(random);
    this.pick = list => random.pick(list.filter(one => one !== 'api'));
  }
}

const TEXT = 'words '.repeat(600);

const signals = {
  name: 'signals', about: 'a reader that does not read loses signals, is closed with 3008 when events wait, and both are counted',
  kinds: ['one'],
  deployment: { rooms: true },
  async round({ deployment, stream, scope, check }) {
    const [node] = deployment.nodes;
    const readers = await stream.read({ count: 4, channels, each: 1, ways, rooms: true });
    const raw = await upgraded(node.url);
    scope.after(() => raw.destroy());
    raw.on('error', () => undefined);
    raw.write(masked(JSON.stringify({ id: 1, connect: { data: { person: { id: 'slow', name: 'Slow' } } } })));
    raw.write(masked(JSON.stringify({ id: 2, subscribe: { channel: channels[0] } })));
    raw.write(masked(JSON.stringify({ id: 3, subscribe: { channel: `@typing:${room}` } })));
    const before = await node.metrics();
    await until('it is subscribed', async () => (await node.metrics()).get('watchroom_subscriptions') >= readers.length + 2);
    raw.pause();
    const of = async name => ((await node.metrics()).get(name) ?? 0) - (before.get(name) ?? 0);
    const dropped = () => of('watchroom_signals_dropped_total');
    const closed = () => of('watchroom_closes_total{code="3008"}');
    let said = 0;
    const say = async reader => {
      const mark = `${reader.name} ${++said}`;
      const asked = Date.now();
      for (;;) {
        try {
          const { offset } = await reader.call('say', { room, id: mark.replace(' ', ':'), text: `${mark}|${TEXT}` });
          stream.ledger.took(channels[0], { mark, epoch: null, offset, asked, bytes: TEXT.length });
          return;
        } catch (error) {
          if (error.code !== 111) throw error;
          await wait(50);
        }
      }
    };
    // First what fills the buffers between, then by turns what waits and what is dropped where something waits.
    for (let i = 0; i < 40; i++) await say(readers[i % readers.length]);
    let typed = 0;
    while ((await closed()) === 0 && said < 2_000) {
      await say(readers[said % readers.length]);
      const typist = readers[typed++ % readers.length];
      // Who types too often is told so; that is not what is asked here.
      if (said % 3 === 0) await typist.call('typing', { room }).catch(() => undefined);
    }
    const lost = await dropped();
    check(lost > 0, 'no signal was dropped');
    check((await closed()) === 1, `${await closed()} readers were closed with 3008`);
    raw.destroy();
    return { said, dropped: lost };
  },
};

export default [rooms, signals];
