// Everything at once: what each scenario breaks by itself, in any order, while others are broken still.
import { until } from '../../web/support.mjs';
import { wait } from '../stream.mjs';

/** How many things happen; by --long. */
const [SHORT, LONG] = [8, 80];

/** What may happen; `later` undoes it while other things happen. */
const HARMS = {
  async lose({ random, readers }) {
    await Promise.all(random.some(readers, random.between(1, readers.length)).map(reader => reader.lose(random.fork(reader.name))));
  },
  async stallClient({ random, readers, later }) {
    const { door } = random.pick(readers);
    door.stall();
    later(random.between(100, 4_000), () => door.resume());
  },
  async slow({ random, readers, later }) {
    const { door } = random.pick(readers);
    door.delay = random.between(20, 300);
    later(random.between(100, 2_000), () => { door.delay = 0; });
  },
  async move({ random, readers, deployment }) {
    for (const reader of random.some(readers, 4)) reader.moveTo(random.pick(deployment.nodes));
  },
  async cutLink({ random, deployment }) {
    random.pick(deployment.links).cut();
  },
  async stallLink({ random, deployment, later }) {
    const link = random.pick(deployment.links);
    link.stall();
    later(random.between(100, 3_000), () => link.resume());
  },
  async pauseRedis({ random, deployment: { redis }, later }) {
    redis.signal('SIGSTOP');
    later(random.between(100, 2_500), () => redis.signal('SIGCONT'));
  },
  async restartRedis({ random, deployment: { redis } }) {
    await redis.end(random.pick(['SIGKILL', 'SIGTERM']));
    await wait(random.between(0, 600));
    await redis.start();
  },
  async endNode({ random, deployment, redisIsThere }) {
    const node = random.pick(deployment.nodes);
    await node.end(random.pick(['SIGKILL', 'SIGTERM']));
    await wait(random.between(0, 500));
    // A node does not start without its Redis: docs/operations.md.
    await redisIsThere();
    await node.start();
  },
};

const chaos = {
  name: 'chaos', about: 'eight things, by --long eighty, in any order: connections, links, Redis and nodes, while others are broken still',
  kinds: ['two'], restarts: true, lingers: true,
  deployment: { keeps: true },
  async round({ deployment, stream, random, long, check }) {
    const [channels, maps] = [['kept:x', 'asked:x', 'delta:x'], ['recoverable:x', 'persistent:x', 'ephemeral:x']];
    const readers = await stream.read({ count: 12, channels, maps });
    stream.maps.change(2, { maps });
    stream.byApi(2, { channels });
    await stream.byClients(2, { channels });
    const pending = [];
    const later = (ms, work) => { pending.push(wait(ms).then(work)); };
    const redisIsThere = async () => {
      await Promise.all(pending);
      deployment.links.forEach(link => link.resume());
    };
    const done = {};
    for (let i = 0; i < (long ? LONG : SHORT); i++) {
      const name = random.pick(Object.keys(HARMS));
      await HARMS[name]({ deployment, random, readers, later, redisIsThere });
      done[name] = (done[name] ?? 0) + 1;
      await wait(random.between(0, 400));
    }
    await redisIsThere();
    await until('all are back', () => stream.readers.every(reader => reader.isConnected && reader.isSubscribed), 30_000);
    await stream.more(40);
    const { refused } = stream.figures();
    check(refused === 0, `${refused} readers were told "not recovered"`);
    return { harms: done };
  },
};

export default [chaos];
