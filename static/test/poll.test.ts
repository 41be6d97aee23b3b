import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Asking, type Wanted } from '../src/server/asking';
import type { FoundChannel } from '../src/server/channelpane';
import type { Found } from '../src/server/connectionpane';
import { Fleet } from '../src/server/fleet';
import { FIRST, type Place } from '../src/server/place';
import { Poll, waitAfter, type Trouble } from '../src/server/poll';

/** Lets what was answered be read: promises only, no time passes. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

interface Scene {
  readonly poll: Poll;
  readonly said: (Trouble | null)[];
  asked: number;
  may: boolean;
  fails: boolean;
}

function scene(t: TestContext): Scene {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 100_000 });
  const said: (Trouble | null)[] = [];
  const made: Scene = {
    said, asked: 0, may: true, fails: false,
    poll: new Poll({
      ask: () => {
        made.asked++;
        return made.fails ? Promise.reject(new Error('too late')) : Promise.resolve();
      },
      may: () => made.may, said: trouble => said.push(trouble), now: () => Date.now(),
    }),
  };
  t.after(() => made.poll.stop());
  return made;
}

test('it asks each second, and not while nobody looks', async t => {
  const one = scene(t);
  one.poll.wake();
  await settle();
  assert.deepEqual([one.asked, one.said], [1, [null]]);
  t.mock.timers.tick(999);
  await settle();
  assert.equal(one.asked, 1);
  t.mock.timers.tick(1);
  await settle();
  assert.equal(one.asked, 2);
  one.may = false;
  for (let i = 0; i < 5; i++) {
    t.mock.timers.tick(1_000);
    await settle();
  }
  assert.equal(one.asked, 2);
  one.may = true;
  one.poll.wake();
  await settle();
  assert.equal(one.asked, 3);
});

test('it asks less and less often while the answers fail, says since when, and goes on at once when told', async t => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map(waitAfter), [1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  const one = scene(t);
  one.poll.wake();
  await settle();
  one.fails = true;
  for (const wait of [1_000, 1_000, 2_000, 4_000]) {
    t.mock.timers.tick(wait);
    await settle();
  }
  assert.equal(one.asked, 5);
  const trouble = one.said.at(-1);
  assert.deepEqual([trouble?.since, trouble?.next], [100_000, 108_000 + 8_000]);
  assert.match(String(trouble?.error), /too late/);
  one.fails = false;
  one.poll.wake();
  await settle();
  assert.deepEqual([one.asked, one.said.at(-1)], [6, null]);
});

test('a question that changes while an answer is awaited is asked right behind it', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
  const open: (() => void)[] = [];
  const poll = new Poll({ ask: () => new Promise<void>(done => open.push(done)), may: () => true, said: () => undefined, now: () => Date.now() });
  t.after(() => poll.stop());
  poll.wake();
  poll.wake();
  poll.wake();
  assert.equal(open.length, 1);
  open[0]?.();
  await settle();
  t.mock.timers.tick(0);
  await settle();
  assert.equal(open.length, 2);
});

test('answers that take long are not asked for without a rest', async t => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
  let asked = 0;
  const poll = new Poll({ ask: () => { asked++; return new Promise<void>(done => setTimeout(done, 1_500)); }, may: () => true, said: () => undefined, now: () => Date.now() });
  t.after(() => poll.stop());
  poll.wake();
  t.mock.timers.tick(1_500);
  await settle();
  t.mock.timers.tick(249);
  await settle();
  assert.equal(asked, 1);
  t.mock.timers.tick(1);
  await settle();
  assert.equal(asked, 2);
});

interface Told {
  readonly asking: Asking;
  readonly calls: string[];
  readonly told: string[];
  readonly connection: Found[];
  readonly channel: FoundChannel[];
}

const QUESTION = { search: '', sort: 'queue', limit: 50 };

function asking(place: Place, answer: (method: string, request: Record<string, unknown>) => unknown): Told {
  const [calls, told, connection, channel]: [string[], string[], Found[], FoundChannel[]] = [[], [], [], []];
  const wanted: Wanted = { place, connections: QUESTION, channels: { ...QUESTION, sort: 'subscribers' } };
  const made = new Asking({
    call: async (method, request) => {
      calls.push(`${method} ${JSON.stringify(request)}`);
      return answer(method, request as Record<string, unknown>);
    },
    fleet: new Fleet(), wanted: () => wanted, ticks: () => 0,
    nodes: () => told.push('nodes'), connections: listing => told.push(`connections ${listing.rows.length}`), channels: listing => told.push(`channels ${listing.rows.length}`),
    connection: (_, found) => connection.push(found), channel: (_, found) => channel.push(found),
  });
  return { asking: made, calls, told, connection, channel };
}

const NODES = { node: 'a', now: 1, nodes: [] };
const row = (client: string): object => ({ node: 'a', client, channels: [] });

test('it asks for what is open, and no more', async () => {
  const nodes = asking({ tab: 'nodes', open: null }, () => NODES);
  await nodes.asking.ask();
  assert.deepEqual(nodes.calls, ['server {}']);
  const list = asking(FIRST, method => (method === 'server' ? NODES : { connections: [row('x')] }));
  await list.asking.ask();
  assert.deepEqual(list.calls, ['server {}', `connections ${JSON.stringify(QUESTION)}`]);
  assert.deepEqual(list.told, ['nodes', 'connections 1']);
});

test('a connection that the list does not show is looked for, and may be gone', async () => {
  const place: Place = { tab: 'connections', open: { kind: 'connection', id: 'y' } };
  const answers = (there: boolean) => (method: string, request: Record<string, unknown>): unknown => {
    if (method === 'server') return NODES;
    if (request['search'] === 'y') return { connections: there ? [row('xy'), row('y')] : [], silent: ['b'] };
    return { connections: [row('x')], total: 10_000, matching: 10_000 };
  };
  const there = asking(place, answers(true));
  await there.asking.ask();
  assert.deepEqual(there.connection.map(found => found.kind === 'here' && found.view.client), ['y']);
  assert.deepEqual(there.told, ['nodes', 'connections 1'], 'it is no row of the list');
  const gone = asking(place, answers(false));
  await gone.asking.ask();
  assert.deepEqual(gone.connection, [{ kind: 'gone', silent: ['b'] }]);
});

test('a part that fails does not take the others with it', async () => {
  const failing = asking(FIRST, method => {
    if (method === 'server') throw Object.assign(new Error('internal error'), { code: 100 });
    return { connections: [row('x')] };
  });
  await assert.rejects(failing.asking.ask(), /internal error/);
  assert.deepEqual(failing.told, ['connections 1']);
  const odd = asking(FIRST, method => (method === 'server' ? NODES : { rows: [] }));
  await assert.rejects(odd.asking.ask());
  assert.deepEqual(odd.told, ['nodes']);
});

test('a channel that is refused says so itself, and the page goes on', async () => {
  const place: Place = { tab: 'channels', open: { kind: 'channel', id: 'news:1' } };
  const refusing = asking(place, (method, request) => {
    if (method === 'server') return NODES;
    if (method === 'channel') throw Object.assign(new Error('unknown channel'), { code: 102 });
    return { channels: request['search'] === 'news:1' ? [{ channel: 'news:1', nodes: 2 }] : [] };
  });
  await refusing.asking.ask();
  assert.equal(refusing.channel[0]?.kind, 'refused');
  const good = asking(place, (method, request) => {
    if (method === 'server') return NODES;
    if (method === 'channel') return { channel: 'news:1', subscribers: 2, history: null };
    return { channels: request['search'] === 'news:1' ? [{ channel: 'news:1', nodes: 2 }] : [] };
  });
  await good.asking.ask();
  assert.deepEqual(good.channel.map(found => found.kind === 'here' && [found.view.subscribers, found.row?.nodes]), [[2, 2]]);
  assert.deepEqual(good.told, ['nodes', 'channels 0']);
});
