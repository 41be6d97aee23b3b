// What a reader missed is not kept any more: by number, by bytes, by age.
import { until } from '../../web/support.mjs';
import { wait } from '../stream.mjs';

/** What `short` keeps, and `brief` for how long: as in the configuration. */
const [SHORT_SIZE, BRIEF_MS] = [40, 1_000];

/** Has a reader away while so much is published; gives whether it was told that something is gone. */
async function missed(stream, reader, channel, publish) {
  const track = reader.tracks.get(channel);
  const taken = stream.ledger.channel(channel).acks.at(-1)?.offset ?? 0;
  await until('it has what was published', () => track.last.offset >= taken);
  const before = track.losses.length;
  const connects = reader.connects;
  reader.door.isShut = true;
  reader.door.cut();
  await until('it is away', () => !reader.isConnected);
  await publish();
  reader.door.isShut = false;
  await until('it is back', () => reader.connects > connects && reader.isSubscribed);
  return track.losses.length > before;
}

const evicted = {
  name: 'evicted', about: 'who missed more than a history keeps is told so, by number, bytes and age; who missed less has it all',
  async round({ deployment, stream, random, check }) {
    const numbers = new Map();
    const publish = async (channel, count, length = 50) => {
      for (let i = 0; i < count; i++) {
        const n = (numbers.get(channel) ?? 0) + 1;
        numbers.set(channel, n);
        const asked = Date.now();
        const by = `history.${stream.round}`;
        const data = { by, n, pad: `${'x'.repeat(length)}.${n}` };
        const { offset, epoch } = await random.pick(deployment.nodes).api('publish', { channel, data });
        stream.ledger.took(channel, { mark: `${by} ${n}`, offset, epoch, asked, bytes: length });
      }
    };
    const done = { told: 0, whole: 0 };
    const expect = async (reader, channel, work, isGone, what) => {
      const told = await missed(stream, reader, channel, work);
      check(told === isGone, `${what}: told "not recovered": ${told}`);
      done[told ? 'told' : 'whole']++;
    };
    const reader = async channel => (await stream.read({ count: 1, channels: [channel], each: 1 }))[0];
    const [short, brief, heavy] = ['short:h', 'brief:h', 'kept:h'];
    await Promise.all([
      (async () => {
        const one = await reader(short);
        await publish(short, random.between(1, SHORT_SIZE));
        await expect(one, short, () => publish(short, SHORT_SIZE), false, 'as many as are kept');
        await expect(one, short, () => publish(short, SHORT_SIZE + 1), true, 'one more than is kept');
        await publish(short, 3);
        await expect(one, short, () => publish(short, random.between(1, SHORT_SIZE - 1)), false, 'less than is kept');
        await expect(one, short, () => publish(short, random.between(SHORT_SIZE * 2, SHORT_SIZE * 4)), true, 'far more than is kept');
      })(),
      (async () => {
        const one = await reader(brief);
        await publish(brief, 5);
        await expect(one, brief, () => publish(brief, 3), false, 'not as old as they may be');
        await expect(one, brief, async () => { await publish(brief, 3); await wait(BRIEF_MS + 200); }, true, 'older than they may be');
        await expect(one, brief, () => publish(brief, 0), false, 'nothing');
      })(),
      (async () => {
        const one = await reader(heavy);
        await expect(one, heavy, () => publish(heavy, 15, 50_000), false, '0.7 MiB');
        await expect(one, heavy, () => publish(heavy, 24, 50_000), true, '1.1 MiB');
        await publish(heavy, 2);
      })(),
    ]);
    return done;
  },
};

export default [evicted];
