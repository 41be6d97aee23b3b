// The checker itself: a network that lies in one way, and the verdict that must come of it, and no other.
import { WAYS } from '../../web/clients.mjs';
import { until } from '../../web/support.mjs';
import { Ledger, Track, judgeStream } from '../checker.mjs';
import { historyOf } from '../nodes.mjs';
import { Stream } from '../stream.mjs';
import { once as onceOf, swapped } from './lies.mjs';
import { lieOfMaps } from './mapselftest.mjs';

const isPublication = text => text.includes('"pub":');
/** Publications that pass before the lie. */
const BEFORE = 5;

const once = (isMeant = isPublication) => onceOf(isMeant, BEFORE);

/** What stands between, and the verdict. */
const LIES = {
  drop: { verdicts: ['gap'], tamper() { const now = once(); return text => (now(text) ? [] : [text]); } },
  double: { verdicts: ['duplicate'], tamper() { const now = once(); return text => (now(text) ? [text, text] : [text]); } },
  swap: { verdicts: ['disorder'], tamper: () => swapped(once(), isPublication) },
  change: { verdicts: ['mixed up'], tamper() { const now = once(); return text => [now(text) ? text.replace(/"n":(\d+)/, (_, n) => `"n":${Number(n) + 1}`) : text]; } },
  deny: { verdicts: ['denied'], loses: true, tamper: () => text => [text.replace(/"recovered":true,?/, '')] },
  // The server finds that it missed something, and the reader is told that it has all.
  claim: { verdicts: ['claimed', 'gap'], loses: true, gone: true, tamper: () => text => [text.includes('"was_recovering":true') ? text.replace('"was_recovering":true', '"recovered":true,"was_recovering":true') : text] },
};

/** Streams that are wrong in themselves: what publishers were told (mark, offset, when), what a reader had, the verdict. */
const STREAMS = {
  whole: { acks: [['p 1', 1], ['p 2', null]], had: ['p 1', 'p 2'], verdicts: [] },
  lost: { acks: [['p 1', 1], ['p 2', null]], had: ['p 1'], verdicts: ['lost'] },
  order: { acks: [['p 1', null], ['p 2', null]], had: ['p 2', 'p 1'], verdicts: ['disorder'] },
  twice: { acks: [['p 1', null]], had: ['p 1', 'p 1'], verdicts: ['mixed up'] },
  stranger: { acks: [['p 1', 1]], had: ['p 1', 'q 1'], verdicts: ['mixed up'] },
  'given again': { acks: [['p 1', 1], ['p 2', 2], ['q 1', 2]], had: ['p 1', 'p 2'], verdicts: ['mixed up'] },
  'given again after a failover': { acks: [['p 1', 1], ['p 2', 2], ['q 1', 2, 30]], had: ['p 1', 'p 2'], tail: true, verdicts: [] },
  'lost in a failover': { acks: [['p 1', 1], ['p 2', null]], had: ['p 1'], tail: true, verdicts: [] },
  'lost after a failover': { acks: [['p 1', 1], ['p 2', null, 30]], had: ['p 1'], tail: true, verdicts: ['lost'] },
  moved: { acks: [['p 1', 2], ['p 2', 1]], had: ['p 1', 'p 2'], verdicts: ['disorder', 'mixed up'] },
};

const selftest = {
  name: 'selftest', about: 'the checker is lied to: a publication dropped, doubled, swapped, changed, a recovery denied, a loss concealed; a map\'s key forgotten, kept, gone back',
  kinds: ['one'],
  async round({ deployment, random, scope, stream, check }) {
    const told = (name, found, verdicts) => {
      const given = [...new Set(found.map(one => one.verdict))].sort();
      check(given.join() === [...verdicts].sort().join(), `${name}: the verdict should be ${verdicts.join()}, it is ${found.map(one => `${one.verdict}: ${one.text}`).join('; ') || 'none'}`);
    };
    for (const [name, { acks, had, tail, verdicts }] of Object.entries(STREAMS)) {
      const ledger = new Ledger(historyOf);
      acks.forEach(([mark, offset, asked = 10]) => ledger.took('kept:x', { mark, epoch: offset === null ? null : 'e', offset, asked, answered: asked + 1, bytes: 1 }));
      if (tail) ledger.channel('kept:x').tails.push({ from: 5, to: 15, until: 25 });
      const track = new Track('reader', 'kept:x');
      track.subscribed({ wasRecovering: false, recovered: false, position: { epoch: 'e', offset: 0 } });
      had.forEach((mark, i) => track.publication(i + 1, mark));
      told(name, [...track.judge({ epoch: 'e', offset: had.length }, ledger), ...judgeStream('kept:x', [track], ledger)], verdicts);
    }
    const tests = Object.entries(LIES).map(async ([name, { verdicts, tamper, loses, gone }], i) => {
      const one = new Stream(scope, { deployment, random: random.fork(name) });
      const channel = `${gone ? 'short' : 'kept'}:lie${i}`;
      const [reader] = await one.read({ count: 1, channels: [channel], each: 1, ways: [WAYS[0]] });
      // The frames of one publication each: the server writes together what comes together.
      let sent = 0;
      const publish = async count => {
        for (let n = 0; n < count; n++) {
          const asked = Date.now();
          const data = { by: 'liar', n: ++sent, pad: `.${sent}` };
          const { offset, epoch } = await deployment.nodes[0].api('publish', { channel, data });
          one.ledger.took(channel, { mark: `liar ${sent}`, offset, epoch, asked, bytes: 2 });
          if (reader.isSubscribed) await until('it is there', () => reader.tracks.get(channel).last.offset >= offset, 300).catch(() => undefined);
        }
      };
      await publish(3);
      reader.door.tamper = tamper();
      if (loses) {
        const { connects } = reader;
        reader.door.isShut = true;
        reader.door.cut();
        await until('it is away', () => !reader.isConnected);
        await publish(gone ? 60 : 3);
        reader.door.isShut = false;
        await until('it is back', () => reader.connects > connects && reader.isSubscribed);
      } else {
        // What is tampered with is what comes on a connection made since.
        reader.door.cut();
        await until('it is back', () => reader.connects > 1 && reader.isSubscribed);
      }
      await publish(BEFORE + 4);
      const found = await one.settle();
      told(name, found, verdicts);
      stream.lies = (stream.lies ?? 0) + 1;
    });
    const [ofMaps] = await Promise.all([lieOfMaps({ deployment, random, scope, told }), ...tests]);
    return { lies: stream.lies, 'lies of maps': ofMaps };
  },
};

export default [selftest];
