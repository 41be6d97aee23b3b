import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, type OutboxParts } from '../src/room/outbox';
import type { Past, RoomChannel } from '../src/room/channel';
import { RoomStream } from '../src/room/stream';
import { isStored } from '../src/room/timeline';
import { came, initialsOf, isHere, left, peopleOf, tintOf, whoOf, type Here } from '../src/room/presence';
import { stillTyping, TypingTeller, typingPerson, withoutTyping, withTyping } from '../src/room/typing';

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

class Server {
  kept: string | null = null;
  live = true;
  oldest: number | null = null;
  stored: unknown = {};
  readonly said: string[] = [];
  readonly answers: (unknown)[] = [];
  readonly timers: (() => void)[] = [];
  introduced = 0;
  #ids = 0;

  parts(): OutboxParts {
    return {
      keep: { read: () => this.kept, write: text => { this.kept = text; } },
      say: message => {
        this.said.push(message.id);
        const answer = this.answers.shift();
        return answer === undefined ? Promise.resolve(this.stored) : Promise.reject(answer as Error);
      },
      introduce: () => { this.introduced++; return Promise.resolve(); },
      live: () => this.live, oldest: () => this.oldest, later: (_, act) => this.timers.push(act), now: () => 5, freshId: () => `id${++this.#ids}`, refused: 'no',
    };
  }
}

const kinds = (box: Outbox): string[] => box.items.map(item => `${item.id} ${item.state.kind}`);

test('messages go out in order, and stay until they came back', async () => {
  const server = new Server();
  const box = new Outbox(server.parts(), () => undefined);
  box.add('one', null);
  box.add('two', { panel: 'p', time: 1 });
  assert.deepEqual(kinds(box), ['id1 sending', 'id2 waiting']);
  await settled();
  assert.deepEqual(server.said, ['id1', 'id2']);
  assert.deepEqual(kinds(box), ['id1 stored', 'id2 stored']);
  assert.equal(server.kept, '[]');
  box.arrived('id1');
  box.arrived('id2');
  assert.deepEqual(kinds(box), []);
});

test('what is stored before the oldest event of the time line is not awaited', async () => {
  const server = new Server();
  const box = new Outbox(server.parts(), () => undefined);
  server.oldest = 3;
  server.stored = { offset: 7, at: 1 };
  box.add('one', null);
  await settled();
  box.settle();
  assert.deepEqual(kinds(box), ['id1 stored']);
  server.oldest = 60;
  box.settle();
  assert.deepEqual(kinds(box), []);
  box.add('again, answered with the place that it had', null);
  await settled();
  assert.deepEqual(kinds(box), []);
  server.stored = {};
  box.add('an answer without a place', null);
  await settled();
  assert.deepEqual(kinds(box), ['id3 stored']);
});

test('a lost link keeps the message, and it goes again under its own id', async () => {
  const server = new Server();
  server.answers.push({ code: 2, message: 'transport closed' });
  const box = new Outbox(server.parts(), () => undefined);
  box.add('one', null);
  server.live = false;
  await settled();
  assert.deepEqual(kinds(box), ['id1 waiting']);
  const reloaded = new Outbox(server.parts(), () => undefined);
  assert.deepEqual(kinds(reloaded), ['id1 waiting']);
  server.live = true;
  reloaded.pump();
  await settled();
  assert.deepEqual(server.said, ['id1', 'id1']);
  assert.deepEqual(kinds(reloaded), ['id1 stored']);
});

test('too many at once: it waits, and goes on by itself', async () => {
  const server = new Server();
  server.answers.push({ code: 111, message: 'slow down', temporary: true });
  const box = new Outbox(server.parts(), () => undefined);
  box.add('one', null);
  await settled();
  assert.deepEqual(kinds(box), ['id1 slow']);
  box.pump();
  assert.deepEqual(server.said, ['id1']);
  server.timers.shift()?.();
  await settled();
  assert.deepEqual(kinds(box), ['id1 stored']);
});

test('a refusal says why, holds nothing up, and can be tried again, edited or left', async () => {
  const server = new Server();
  server.answers.push({ code: 107, message: 'the text is too long' });
  const box = new Outbox(server.parts(), () => undefined);
  box.add('one', null);
  box.add('two', null);
  await settled();
  assert.deepEqual(box.items[0]?.state, { kind: 'refused', reason: 'the text is too long' });
  assert.equal(box.items[1]?.state.kind, 'stored');
  assert.deepEqual(new Outbox(server.parts(), () => undefined).items[0]?.state, { kind: 'refused', reason: 'the text is too long' });
  box.again('id1');
  await settled();
  assert.deepEqual(server.said, ['id1', 'id2', 'id1']);
  assert.equal(box.take('id1')?.text, 'one');
  assert.equal(box.take('id1'), null);
});

test('a server that does not know us is told once who we are', async () => {
  const server = new Server();
  const unknown = { code: 103, message: 'say who you are first (introduce)' };
  server.answers.push(unknown);
  const box = new Outbox(server.parts(), () => undefined);
  box.add('one', null);
  await settled();
  assert.equal(server.introduced, 1);
  assert.deepEqual(kinds(box), ['id1 stored']);
  server.answers.push(unknown, unknown);
  box.add('two', null);
  await settled();
  assert.equal(server.introduced, 2);
  assert.deepEqual(box.items[1]?.state, { kind: 'refused', reason: unknown.message });
});

test('an outbox that was kept by something else is empty', () => {
  const server = new Server();
  for (const kept of ['', 'null', '{', '[1,{"id":"x"}]', '{"a":1}']) {
    server.kept = kept;
    assert.deepEqual(new Outbox(server.parts(), () => undefined).items, []);
  }
});

const OLENA = { id: 'o', name: 'Olena' };
const data = (n: number): unknown => ({ type: 'comment', id: `c${n}`, at: n, by: OLENA, text: 'x' });

class Stored implements RoomChannel {
  epoch = 'e';
  count: number;
  readonly asked: string[] = [];
  fail: unknown = null;

  constructor(count: number) {
    this.count = count;
  }

  start(): void {}
  stop(): void {}
  presence(): Promise<[]> { return Promise.resolve([]); }

  async history(options: Parameters<RoomChannel['history']>[0]): Promise<Past> {
    this.asked.push(`${options.reverse === true ? 'back' : 'on'} ${options.since?.offset ?? '-'}`);
    const { fail } = this;
    this.fail = null;
    await settled();
    if (fail !== null) throw fail as Error;
    const all = Array.from({ length: this.count }, (_, i) => ({ data: data(i + 1), offset: i + 1 }));
    const wanted = options.reverse === true ? all.filter(one => one.offset < (options.since?.offset ?? Infinity)).toReversed() : all.filter(one => one.offset > (options.since?.offset ?? 0));
    return { publications: wanted.slice(0, options.limit), newest: this.count, epoch: this.epoch };
  }
}

function follow(stored: Stored): { stream: RoomStream; happened: number[]; stood: number[]; later: (() => void)[]; offsets: () => number[] } {
  const happened: number[] = [];
  const stood: number[] = [];
  const later: (() => void)[] = [];
  const stream = new RoomStream(stored, { changed: () => undefined, opened: (_, at) => stood.push(at), happened: event => happened.push(event.offset) }, (_, act) => later.push(act));
  return { stream, happened, stood, later, offsets: () => stream.line.entries.filter(isStored).map(entry => entry.offset) };
}

test('the newest page first, then what happens; the past is read page by page', async () => {
  const stored = new Stored(120);
  const { stream, happened, stood, offsets } = follow(stored);
  stream.joined(false);
  stored.count = 121;
  stream.published(data(121), 121);
  await settled(); await settled();
  assert.deepEqual([offsets()[0], offsets().at(-1), offsets().length], [72, 121, 50]);
  assert.deepEqual(stood, [120]);
  stream.published(data(122), 122);
  assert.deepEqual(happened, [122]);
  assert.equal(await stream.older(), true);
  assert.equal(await stream.older(), true);
  assert.deepEqual([offsets()[0], offsets().length, stream.line.fromStart], [1, 122, true]);
  assert.equal(await stream.older(), false);
  assert.deepEqual(stored.asked, ['back -', 'back 72', 'back 22']);
});

test('a recovered link asks for nothing; one that is not reads the newest page anew', async () => {
  const stored = new Stored(3);
  const { stream, offsets } = follow(stored);
  stream.joined(false);
  await settled(); await settled();
  stream.joined(true);
  assert.equal(stored.asked.length, 1);
  stored.count = 900;
  stream.joined(false);
  await settled(); await settled();
  assert.deepEqual([offsets()[0], offsets().length, stream.line.fromStart], [851, 50, false]);
  stored.epoch = 'other';
  stored.count = 2;
  stream.joined(false);
  await settled(); await settled();
  assert.deepEqual(offsets(), [1, 2]);
});

test('a page that fails is asked for again, and what happened meanwhile is not lost', async () => {
  const stored = new Stored(4);
  const { stream, later, offsets, happened } = follow(stored);
  stored.fail = { code: 1, message: 'timeout' };
  stream.joined(false);
  stream.published(data(4), 4);
  await settled(); await settled();
  assert.deepEqual(offsets(), [4]);
  later.shift()?.();
  await settled(); await settled();
  assert.deepEqual(offsets(), [1, 2, 3, 4]);
  assert.deepEqual(happened, [4]);
});

test('what was dropped at the end is read again', async () => {
  const stored = new Stored(60);
  const { stream, offsets } = follow(stored);
  stream.joined(false);
  await settled(); await settled();
  stream.trim(20, 'new');
  stream.published(data(61), 61);
  assert.equal(offsets().at(-1), 40);
  stored.count = 61;
  assert.equal(await stream.newer(), true);
  assert.deepEqual([offsets().at(-1), stream.line.toEnd], [61, true]);
});

const visitor = (client: string, user = '', name = ''): { client: string; user: string; name: string } => ({ client, user, name });

test('several tabs of one person are one; the unnamed are counted', () => {
  let here: Here = new Map();
  for (const one of [visitor('1', 'o', 'Olena'), visitor('2', 'o', 'Olena'), visitor('3', 'm', 'Marek'), visitor('4'), visitor('5'), visitor('6')]) here = came(here, one);
  const people = peopleOf(here, '3', 'm');
  assert.deepEqual(people.named, [{ id: 'm', name: 'Marek', tabs: 1, you: true }, { id: 'o', name: 'Olena', tabs: 2, you: false }]);
  assert.deepEqual([people.unnamed, people.youUnnamed], [3, false]);
  assert.deepEqual([peopleOf(here, '4', null).unnamed, peopleOf(here, '4', null).youUnnamed], [2, true]);
  here = left(here, '1');
  assert.equal(isHere(here, whoOf(visitor('1', 'o'))), true);
  assert.equal(left(here, 'none'), here);
  assert.equal(isHere(left(here, '2'), 'person o'), false);
});

test('a name that changes is the newest one', () => {
  let here: Here = came(new Map(), visitor('1', 'o', 'Olena'));
  here = came(here, visitor('1', 'o', 'Olena T.'));
  assert.deepEqual(peopleOf(here, '', null).named.map(one => one.name), ['Olena T.']);
});

test('tints are stable, and initials whole letters', () => {
  assert.equal(tintOf('0123456789abcdef'), tintOf('0123456789abcdef'));
  const tints = new Set(Array.from({ length: 60 }, (_, i) => tintOf(`person ${i}`)));
  assert.deepEqual([...tints].sort(), [1, 2, 3, 4, 5]);
  assert.equal(initialsOf('Olena Tkachenko'), 'OT');
  assert.equal(initialsOf('marek'), 'MA');
  assert.equal(initialsOf('Лєра Ж'), 'ЛЖ');
  assert.equal(initialsOf('🦊 fox'), '🦊F');
  assert.equal(initialsOf('(ops) <on-call>'), 'OO');
  assert.equal(initialsOf(''), '');
});

test('typing ends by itself, and when the words are here', () => {
  const person = typingPerson({ by: OLENA, client: 'x', at: 1 });
  assert.deepEqual(person, OLENA);
  assert.equal(typingPerson('x'), null);
  const typing = withTyping(new Map(), OLENA, 1000);
  assert.equal(stillTyping(typing, 5999), typing);
  assert.equal(stillTyping(typing, 6000).size, 0);
  assert.equal(withoutTyping(typing, 'm'), typing);
  assert.equal(withoutTyping(typing, 'o').size, 0);
});

test('the server is told of typing each three seconds at most', () => {
  let [now, told] = [0, 0];
  const teller = new TypingTeller(() => { told++; }, () => now);
  for (now = 0; now <= 6000; now += 100) teller.typed();
  assert.equal(told, 3);
  teller.sent();
  teller.typed();
  assert.equal(told, 4);
});
