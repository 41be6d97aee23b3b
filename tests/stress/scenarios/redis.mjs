// Redis ends, stops answering, forgets everything, or cannot be reached from one node.
import { until } from '../../web/support.mjs';
import { wait } from '../stream.mjs';

const channels = ['kept:r', 'asked:r', 'delta:r'];
const MAPS = ['recoverable:r', 'persistent:r', 'ephemeral:r'];
const kinds = ['two'];
/** Where nothing is said of a Redis's own process. */
const anyRedis = ['two', 'cluster'];

/** Streams, breaks Redis, and waits until all is well again. */
async function broken({ deployment, stream, check }, harm, { refused: isRefused = false, maps = MAPS } = {}) {
  await stream.read({ count: 14, channels, maps });
  stream.maps.change(2, { maps });
  stream.byApi(2, { channels });
  await stream.byClients(2, { channels });
  await stream.more(80);
  await harm();
  await until('publications are taken again', async () => deployment.nodes[0].api('publish', { channel: 'kept:probe', data: 1 }), 20_000);
  await until('all are subscribed', () => stream.readers.every(reader => reader.isConnected && reader.isSubscribed), 20_000);
  await stream.more(80);
  const { refused } = stream.figures();
  check(isRefused ? refused > 0 : refused === 0, `${refused} readers were told "not recovered"`);
}

const restart = {
  name: 'restart', about: 'Redis is ended, by SIGKILL or in order, and started again with its data',
  kinds, lingers: true, deployment: { keeps: true },
  async round(context) {
    const { deployment: { redis }, random } = context;
    const signal = random.pick(['SIGKILL', 'SIGTERM']);
    await broken(context, async () => {
      await redis.end(signal);
      await wait(random.between(100, 1_200));
      await redis.start();
    });
    return { signal };
  },
};

const epoch = {
  name: 'epoch', about: 'Redis is started again without its data: everyone is told "not recovered", and what follows is whole',
  kinds, lingers: true,
  async round(context) {
    const { deployment: { redis }, random, stream } = context;
    await broken(context, async () => {
      stream.forgot({ epoch: true });
      await redis.end('SIGKILL');
      await wait(random.between(100, 800));
      await redis.start();
    }, { refused: true });
  },
};

const away = {
  name: 'away', about: 'Redis does not answer (SIGSTOP) for 3 s, by --long for 20, and goes on where it was',
  kinds: anyRedis, lingers: true, deployment: { keeps: true },
  async round(context) {
    const { deployment: { redis }, long } = context;
    const ms = long ? 20_000 : 3_000;
    await broken(context, async () => {
      redis.signal('SIGSTOP');
      await wait(ms);
      redis.signal('SIGCONT');
    });
    return { ms };
  },
};

const link = {
  name: 'link', about: 'one node cannot reach Redis (cut, or stalled without a word), the other can: nobody misses anything',
  kinds: anyRedis, lingers: true,
  async round(context) {
    const { deployment: { links, nodes }, random } = context;
    const at = random.below(links.length);
    const how = random.pick(['cut', 'stalled']);
    await broken(context, async () => {
      const one = links[at];
      if (how === 'cut') {
        for (let i = 0; i < 3; i++) {
          one.isShut = random.chance(0.5);
          one.cut();
          await wait(random.between(50, 400));
        }
        one.isShut = false;
      } else {
        one.stall();
        await wait(3_500);
        one.resume();
      }
      await until('the node reaches it again', async () => nodes[at].api('publish', { channel: 'kept:probe', data: 1 }), 20_000);
    });
    return { how };
  },
};

const flush = {
  name: 'flush', about: 'Redis forgets everything while all stay connected to it: nobody misses in silence what comes next',
  kinds, lingers: true,
  async round(context) {
    const { deployment: { redis }, stream } = context;
    await broken(context, async () => {
      // Some have just come back, others have been here for a while.
      const some = stream.readers.slice(0, 7);
      const connects = some.map(reader => reader.connects);
      some.forEach(reader => reader.door.cut());
      await until('they are back', () => some.every((reader, i) => reader.connects > connects[i] && reader.isSubscribed));
      stream.forgot({ epoch: true });
      await redis.ask('FLUSHALL');
    }, { refused: true });
  },
};

export default [restart, epoch, away, link, flush];
