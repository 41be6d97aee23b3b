// The checker of maps itself: records that are wrong, a network that lies, and the verdict that must come of it, and no other.
import { WAYS } from '../../web/clients.mjs';
import { until } from '../../web/support.mjs';
import { judgeMap } from '../mapchecker.mjs';
import { MapLedger, MapTrack } from '../mapledger.mjs';
import { Changer } from '../maps.mjs';
import { MAP_HISTORY, mapModeOf } from '../nodes.mjs';
import { Stream } from '../stream.mjs';
import { once as onceOf, swapped } from './lies.mjs';

/** Keys `a` (numbers 1, 2), `b` (2 removes it), `c`: what was done, and its offset. */
const DONE = [['a', 1], ['b', 1], ['b', 2, true], ['a', 2], ['c', 1]];
/** A reader from the beginning on that has all of it. */
const WHOLE = { start: 0, state: [], had: [['a', 1], ['b', 1], ['b', null], ['a', 2], ['c', 1]] };
const END = { a: 2, c: 1 };

/** A node that was killed, and that has the values of persistent maps on disk. */
const CRASHED = { mode: 'persistent', loss: { from: 15, epoch: true, values: false } };

/**
 * What is changed of that, and the verdicts: `mode` of the map; `spans` of the reader, `[key, offset, n]` in a state; `end` is what
 * the server has, `done` what publishers were told, `tail` whether a failover may have taken its end away.
 */
const RECORDS = {
  whole: { verdicts: [] },
  'a state': { spans: [{ start: 3, state: [['a', 1, 1]], had: [['a', 2], ['c', 1]] }], verdicts: [] },
  'an old state': { spans: [{ start: 4, state: [['a', 1, 1]], had: [['c', 1]] }], end: END, verdicts: ['stale'] },
  'a state with what is gone': { spans: [{ start: 3, state: [['a', 1, 1], ['b', 2, 1]], had: [['a', 2], ['c', 1]] }], verdicts: ['ghost'] },
  'a state without what is there': { spans: [{ start: 3, state: [], had: [['a', 2], ['c', 1]] }], verdicts: ['missing'] },
  'a key of nobody': { spans: [{ ...WHOLE, had: [...WHOLE.had.slice(0, 4), ['d', 1]] }], verdicts: ['missing', 'ghost', 'mixed up'] },
  'sent back without a reason': { spans: [{ ...WHOLE, had: WHOLE.had.slice(0, 3) }, { start: 4, state: [['a', 4, 2]], had: [['c', 1]] }], verdicts: ['denied'] },
  'sent back, as its epoch went': { spans: [{ ...WHOLE, epoch: 'f', had: [] }, WHOLE], loss: { from: 5, epoch: true, values: true }, verdicts: [] },
  'another epoch without a reason': { spans: [{ ...WHOLE, epoch: 'f', had: [] }, WHOLE], verdicts: ['denied'] },
  'an older value of a server': { end: { a: 1, c: 1 }, verdicts: ['stale'] },
  'a server without what it took': { end: { a: 2 }, verdicts: ['missing', 'lost', 'ghost'] },
  'a server with what was removed': { end: { a: 2, b: 1, c: 1 }, verdicts: ['missing', 'ghost', 'stale'] },
  'nothing to remove': { done: [['a', 1], ['b', 1], ['b', 2, 'none'], ['a', 2], ['c', 1]], spans: [{ ...WHOLE, had: WHOLE.had.filter(([, n]) => n !== null) }], end: { a: 2, b: 1, c: 1 }, verdicts: ['lost', 'stale'] },
  'an offset given again': { spans: [{ ...WHOLE, had: [...WHOLE.had.slice(0, 4), ['d', 1]] }], done: [...DONE, ['d', 1, false, 5]], end: END, verdicts: ['lost', 'missing', 'ghost', 'mixed up'] },
  'an offset given again after a failover': { spans: [{ ...WHOLE, had: [...WHOLE.had.slice(0, 4), ['d', 1]] }], done: [...DONE, ['d', 1, false, 5, 30]], tail: true, end: { a: 2, d: 1 }, verdicts: [] },
  'a persistent one after a crash': { ...CRASHED, spans: [{ epoch: 'f', start: 0, state: [['a', 0, 2], ['c', 0, 1]], had: [] }], verdicts: [] },
  'a persistent one that forgets': { ...CRASHED, spans: [{ epoch: 'f', start: 0, state: [['a', 0, 2]], had: [] }], end: { a: 2 }, verdicts: ['missing', 'lost'] },
  'a persistent one that goes back': { ...CRASHED, spans: [{ epoch: 'f', start: 0, state: [['a', 0, 1], ['b', 0, 1], ['c', 0, 1]], had: [] }], end: { a: 1, b: 1, c: 1 }, verdicts: ['ghost', 'stale'] },
  'an ephemeral one': { mode: 'ephemeral', verdicts: [] },
  'an ephemeral one that goes back': { mode: 'ephemeral', spans: [{ start: 0, state: [], had: [['a', 2], ['a', 1], ['a', 2], ['c', 1]] }], verdicts: ['stale'] },
  'an ephemeral one that forgets': { mode: 'ephemeral', spans: [{ ...WHOLE, had: WHOLE.had.slice(0, 4) }], verdicts: ['missing'] },
};

/** Judges one of them. */
function judged({ mode = 'recoverable', spans = [WHOLE], done = DONE, end = END, tail = false, loss = null }) {
  const name = `${mode}:x`;
  const ledger = new MapLedger(mapModeOf, MAP_HISTORY);
  const hasStream = mode !== 'ephemeral';
  let offset = 0;
  for (const [key, n, removes = false, at = null, asked = 10] of done) {
    const state = removes === 'none' ? 'none' : 'taken';
    if (state === 'taken' && at === null) offset++;
    ledger.asks(name, key, { n, removes: removes !== false, state, epoch: 'e', offset: hasStream ? at ?? offset : null, asked, answered: asked + 1, bytes: 1 });
  }
  if (tail) ledger.channel(name).tails.push({ from: 5, to: 15, until: 25 });
  if (loss) ledger.channel(name).losses.push(loss);
  const track = new MapTrack('reader', name);
  for (const { start, state, had, epoch = 'e' } of spans) {
    track.subscribed({ recovered: false, position: hasStream ? { epoch, offset: start } : null }, 20);
    track.synced(state.map(([key, at, n]) => [key, { offset: at, n }]));
    had.forEach(([key, n], i) => track.changed({ key, n, offset: hasStream ? start + i + 1 : undefined }));
  }
  const entries = Object.entries(end).map(([key, n]) => [key, { n }]);
  return judgeMap(name, [track], { epoch: spans.at(-1).epoch ?? 'e', offset: spans.at(-1).start + spans.at(-1).had.length, entries }, ledger);
}

const isChange = text => text.includes('"pub":') && text.includes('"key":');
/** Changes that pass before the lie. */
const BEFORE = 3;

const once = () => onceOf(isChange, BEFORE);

/** Says again what was told of a key first, behind what `now` is true of. */
function again(key, isNow) {
  let first = null;
  let isSaid = false;
  return text => {
    if (isChange(text) && text.includes(`"key":"${key}"`)) first ??= text;
    if (isSaid || !first || first === text || !isNow(text)) return [text];
    isSaid = true;
    return [text, first];
  };
}

/** What stands between, and the verdict. What is told wrongly is put again later, so that the end is right. */
const LIES = {
  drop: { mode: 'recoverable', verdicts: ['gap'], tamper() { const now = once(); return text => (now(text) ? [] : [text]); } },
  double: { mode: 'persistent', verdicts: ['duplicate'], tamper() { const now = once(); return text => (now(text) ? [text, text] : [text]); } },
  swap: { mode: 'recoverable', verdicts: ['disorder'], tamper: () => swapped(once(), isChange) },
  older: {
    mode: 'persistent', verdicts: ['mixed up'],
    tamper() { const now = once(); return text => [now(text) ? text.replace(/"n":(\d+)(.*)\.\1"/, (_, n, rest) => `"n":${n - 1}${rest}.${n - 1}"`) : text]; },
  },
  conceal: { mode: 'recoverable', loses: true, verdicts: ['gap'], tamper: () => text => [text.includes('"recovered":true') ? text.replace(/"publications":\[.*\],?/, '') : text] },
  state: { mode: 'recoverable', isNew: true, verdicts: ['missing'], tamper: () => text => [text.replace(/("state":\[)\{[^[]*?"key":"c"\},?/, '$1')] },
  back: { mode: 'ephemeral', verdicts: ['stale'], tamper: () => again('a', text => text.includes('"key":"c"')) },
  rise: { mode: 'ephemeral', verdicts: ['ghost'], tamper: () => again('b', text => text.includes('"removed":true')) },
};

async function lied(name, { mode, verdicts, tamper, loses, isNew }, { deployment, random, scope, told }) {
  const stream = new Stream(scope, { deployment, random: random.fork(name) });
  const channel = `${mode}:${name}`;
  const ask = (method, body) => deployment.nodes[0].api(method, body);
  const changer = new Changer({ name: 'liar', maps: [channel], random: random.fork(`${name} changes`), ask, ledger: stream.maps.ledger, pause: 0 });
  const change = async (text, reader = null) => {
    for (const word of text.split(' ')) {
      const [removes, key] = [word.startsWith('-'), word.replace('-', '')];
      await changer.make(channel, key, removes);
      // The frames of one change each: the server writes together what comes together.
      const track = reader?.mapTracks.get(channel);
      const { n } = stream.maps.ledger.channel(channel).keys.get(key).at(-1);
      if (track) await until('it is there', () => (removes ? !track.now.has(key) : track.now.get(key) === n), 300).catch(() => undefined);
    }
  };
  await change('a b c');
  const [reader] = await stream.read({ count: 1, channels: [], each: 0, maps: [{ channel }], ways: [WAYS[0]] });
  await until('it has the state', () => reader.mapTracks.get(channel).now.size === 3);
  // What is tampered with is what comes on a connection made since.
  reader.door.tamper = tamper();
  const { connects } = reader;
  reader.door.isShut = true;
  reader.door.cut();
  await until('it is away', () => !reader.isConnected);
  if (loses) await change('a b');
  if (isNew) reader.client.getMapSubscription(channel)._invalidateState();
  reader.door.isShut = false;
  await until('it is back', () => reader.connects > connects && reader.isSubscribed);
  await change('a b c a -b c b a c', reader);
  told(name, await stream.maps.settle([...reader.mapTracks.values()], 1_000), isNew ? [...verdicts, 'denied'] : verdicts);
  reader.stop();
}

/** Tells the verdicts of all with `told(name, found, expected)`; gives how many there were. */
export async function lieOfMaps({ deployment, random, scope, told }) {
  for (const [name, record] of Object.entries(RECORDS)) told(name, judged(record), record.verdicts);
  await Promise.all(Object.entries(LIES).map(([name, lie]) => lied(name, lie, { deployment, random, scope, told })));
  return Object.keys(RECORDS).length + Object.keys(LIES).length;
}
