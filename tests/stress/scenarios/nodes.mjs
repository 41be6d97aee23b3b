// Nodes die, stop in order, or have a wrong clock.
import { until } from '../../web/support.mjs';
import { wait } from '../stream.mjs';

/** The close code with which a server that stops ends its connections. */
const SHUTDOWN = 3001;
/** The client library's own code. */
const TRANSPORT_CLOSED = 1;

const CHANNELS = ['kept:k', 'asked:k', 'delta:k'];
const MAPS = ['recoverable:k', 'persistent:k', 'ephemeral:k'];

/** Takes readers to another node, or has them wait for theirs to come back. */
function moved(readers, { to, random }) {
  return Promise.all(readers.map(async reader => {
    reader.door.isShut = true;
    // Whoever spreads clients over nodes takes a while to find out.
    await wait(random.fork(reader.name).between(0, 300));
    if (to) reader.moveTo(to);
    reader.door.isShut = false;
  }));
}

/** Ends a node in the middle of a stream, starts it again, and has readers back; two nodes one after the other. */
async function ended({ deployment, stream, random, check }, end) {
  await stream.read({ count: 16, channels: CHANNELS, maps: MAPS });
  stream.maps.change(2, { maps: MAPS });
  stream.byApi(2, { channels: CHANNELS });
  await stream.byClients(2, { channels: CHANNELS });
  await stream.more(80);
  const nodes = deployment.kind === 'one' ? deployment.nodes : random.some(deployment.nodes, 2);
  for (const node of nodes) {
    const other = deployment.nodes.find(one => one !== node) ?? null;
    const here = stream.readers.filter(reader => reader.node === node);
    // What it had in memory goes with it; what two nodes share does not, and persistent maps are on disk.
    if (!other) stream.forgot({ epoch: true, values: false });
    await end(node, here);
    await moved(here, { to: other, random });
    if (other) await stream.more(40);
    await node.start();
    await until('all are back', () => stream.readers.every(reader => reader.isConnected && reader.isSubscribed));
    await stream.more(40);
    if (other) for (const reader of here) if (random.chance(0.5)) reader.moveTo(node);
  }
  const { refused } = stream.figures();
  check(deployment.kind === 'one' ? refused > 0 : refused === 0, `${refused} readers were told "not recovered"`);
  return { nodes: nodes.length };
}

const kill = {
  name: 'kill', about: 'kill -9 of a node; its clients move to the other one, or wait for it and are told what is gone',
  kinds: ['one', 'two', 'cluster'], restarts: true, lingers: true,
  round: context => ended(context, node => node.end('SIGKILL')),
};

const shutdown = {
  name: 'shutdown', about: 'SIGTERM while streaming: everyone is told 3001, exit code 0, nothing is lost on the way to the other node',
  restarts: true,
  async round(context) {
    const { deployment, stream, check } = context;
    return ended(context, async (node, here) => {
      const before = here.map(reader => reader.codes.length);
      const code = await node.end('SIGTERM');
      check(code === 0, `node ${node.name} ended with ${code}`);
      await until('all were told', () => here.every((reader, i) => reader.codes.length > before[i]));
      const other = deployment.nodes.find(one => one !== node);
      // Who went in order is not listed as present until its time to live is over, as who was killed is.
      if (other) await until('presence has nobody of the node', async () => (await present(other)) === stream.readers.filter(one => one.node === other && one.tracks.has(CHANNELS[0])).length, 4_000).catch(error => check(false, error.message));
      let pongs = 0;
      here.forEach((reader, i) => {
        const told = reader.codes[before[i]];
        // Who sends in requests of its own may be refused one before it reads the close; the library closes then.
        // Readers send their pongs alone, one in two seconds: that hits one of them now and then.
        const isRefused = told === TRANSPORT_CLOSED && reader.way.transport !== 'websocket' && (reader.tracks.size === 0 || ++pongs <= 1);
        check(told === SHUTDOWN || isRefused, `${reader.name} (${reader.way.way}) was told ${told}, not ${SHUTDOWN}`);
      });
    });
  },
};

const present = async node => (await node.api('presence_stats', { channel: CHANNELS[0] })).num_clients;

const HOUR = 3_600;

const clock = {
  name: 'clock', about: 'the clock is set back an hour, and forward again, under nodes and Redis: streams go on, histories and their times hold',
  clock: true,
  deployment: { keeps: true },
  async round({ deployment, stream, random, clock: set, check }) {
    const channels = ['kept:t', 'delta:t'];
    const readers = await stream.read({ count: 10, channels });
    stream.byApi(2, { channels });
    await stream.byClients(1, { channels });
    await stream.more(40);
    const lose = async () => {
      for (const reader of random.some(readers, 5)) await reader.lose(random.fork(`lose ${reader.name}`));
      await stream.more(60);
      await until('all are back', () => stream.readers.every(reader => reader.isConnected && reader.isSubscribed));
    };
    const samples = async () => (await deployment.nodes[0].metrics()).get('watchroom_samples_total');
    const setClocks = async seconds => {
      await set.set(seconds);
      await until('all clocks are set', async () => (await deployment.clocks()).every(off => Math.abs(off - seconds * 1_000) < 3_000));
    };
    await setClocks(-HOUR);
    await lose();
    const { refused } = stream.figures();
    check(refused === 0, `${refused} readers were told "not recovered" although the clock went back alone`);
    // A time to live is a span, not a date: who was away for longer is told so, on the wrong clock too.
    const [late] = await stream.read({ count: 1, channels: ['brief:t'], each: 1 });
    const node = deployment.nodes[0];
    await node.api('publish', { channel: 'brief:t', data: { by: 'once', n: 1, pad: '.1' } })
      .then(({ offset, epoch }) => stream.ledger.took('brief:t', { mark: 'once 1', offset, epoch, asked: Date.now(), bytes: 2 }));
    await until('it came', () => late.tracks.get('brief:t').last.offset > 0);
    const asked = Date.now();
    late.door.isShut = true;
    late.door.cut();
    const { offset, epoch } = await node.api('publish', { channel: 'brief:t', data: { by: 'once', n: 2, pad: '.2' } });
    stream.ledger.took('brief:t', { mark: 'once 2', offset, epoch, asked, bytes: 2 });
    await wait(1_300);
    late.door.isShut = false;
    await until('it is back', () => late.isSubscribed && late.connects > 1);
    check(late.tracks.get('brief:t').losses.length === 1, 'what is older than its time to live was recovered');
    const before = await samples();
    await lose();
    // By Redis's clock everything is an hour older now; by a single node's nothing is.
    if (deployment.kind === 'two') stream.ledger.forgot({ epoch: false });
    await setClocks(0);
    await lose();
    await until('its own samples go on', async () => (await samples()) > before, 5_000);
    return {};
  },
};

export default [kill, shutdown, clock];
