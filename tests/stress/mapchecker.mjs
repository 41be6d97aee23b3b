// What is wrong with what readers had of maps: see mapledger.mjs for what is known of them. Verdicts beside those of checker.mjs:
//
//   stale      an older value than the one there is
//   ghost      a key that is not there any more
//   missing    a key that is there, and was not told
import { ABSENT } from './mapledger.mjs';

/** How far the time of an answer may be from when the server did the thing, ms. */
const CLOCK_SLACK_MS = 400;

const said = n => (n === ABSENT ? 'nothing' : `number ${n}`);

/** All places of a map's stream, as publishers and readers together know them. */
class World {
  #places = new Map();
  /** By epoch and key: `[offset, n]` in the order of offsets. */
  #times = new Map();
  wrong = [];

  constructor(name, channel, tracks, top) {
    Object.assign(this, { name, channel });
    for (const [key, ops] of channel.keys) for (const op of ops) if (op.state === 'taken') this.#put(op.epoch, op.offset, key, op.removes ? ABSENT : op.n, 'its publisher');
    for (const track of tracks) {
      for (const { epoch, entries, had } of track.segments) {
        for (const [key, { offset, n }] of entries) if (offset) this.#put(epoch, offset, key, n, track.reader);
        for (const { offset, key, n } of had) this.#put(epoch, offset, key, n, track.reader);
      }
    }
    for (const [key, { offset, n }] of top.entries) if (offset) this.#put(top.epoch, offset, key, n, 'the server');
    for (const [place, { key, n }] of this.#places) this.#time(place, key, n);
    for (const times of this.#times.values()) times.sort(([a], [b]) => a - b);
    this.#order();
  }

  note(verdict, text) {
    this.wrong.push({ verdict, text: `${this.name}: ${text}` });
  }

  #put(epoch, offset, key, n, who) {
    const place = `${epoch}:${offset}`;
    const known = this.#places.get(place);
    if (known && known.key === key && known.n === n) return;
    const op = this.#opAt(epoch, offset, { key, n });
    if (!op || op.removes !== (n === ABSENT) || op.state === 'none') this.note('mixed up', `${key}, ${said(n)}, at ${place} for ${who} was never sent`);
    if (known) {
      const [was, is] = [known, { key, n }].map(one => this.#isTail(epoch, offset, one));
      if (was === is) return this.note('mixed up', `${place} is ${known.key}, ${said(known.n)}, and ${key}, ${said(n)}, for ${who}`);
      // What a failover took is not there any more, and its place was given again.
      if (is) return;
    }
    this.#places.set(place, { key, n });
  }

  #opAt(epoch, offset, { key, n }) {
    if (n !== ABSENT) return this.channel.op(key, n);
    const removals = (this.channel.keys.get(key) ?? []).filter(one => one.removes);
    return removals.find(one => one.offset === offset && one.epoch === epoch) ?? removals.find(one => one.state === 'unsure');
  }

  /** Whether a failover may have taken what is at a place. */
  #isTail(epoch, offset, { key, n }) {
    const op = this.#opAt(epoch, offset, { key, n });
    return op !== undefined && this.channel.isTail(op);
  }

  #time(place, key, n) {
    const [epoch, offset] = [place.slice(0, place.lastIndexOf(':')), Number(place.slice(place.lastIndexOf(':') + 1))];
    const of = `${epoch} ${key}`;
    if (!this.#times.has(of)) this.#times.set(of, []);
    this.#times.get(of).push([offset, n]);
  }

  /** Who changes a key sends the next change when it was told of the last: the stream has them in that order. */
  #order() {
    for (const [of, times] of this.#times) {
      const key = of.slice(of.indexOf(' ') + 1);
      let newest = 0;
      for (const [offset, n] of times) {
        const op = this.#opAt(of.slice(0, of.indexOf(' ')), offset, { key, n });
        if (op?.state !== 'taken' || this.channel.isTail(op)) continue;
        if (op.n < newest) this.note('disorder', `${key}, ${said(op.n)}, at ${offset} is behind number ${newest}`);
        newest = Math.max(newest, op.n);
      }
    }
  }

  /** Judges a state: `entries` as in a segment, at `start` of `epoch`, read at `at`. */
  judge({ epoch, start, at, entries }, note) {
    const there = new Map(entries);
    for (const key of new Set([...this.channel.keys.keys(), ...there.keys()])) {
      const times = (this.#times.get(`${epoch} ${key}`) ?? []).filter(([offset]) => offset <= start);
      const entry = there.get(key);
      let newest = times.at(-1);
      // Of what a failover may have taken the state tells.
      if (newest && newest[1] !== (entry?.n ?? ABSENT)) newest = times.findLast(([offset, n]) => !this.#isTail(epoch, offset, { key, n }));
      if (!newest) this.#carried(key, entry, { epoch, at }, note);
      else if (!entry && newest[1] !== ABSENT) {
        // A removal whose answer was lost, and that nobody saw but in this state.
        const isUnsure = this.channel.keys.get(key).some(op => op.removes && op.state === 'unsure' && newest[1] < op.n);
        if (!isUnsure) note('missing', `${key} is not in the state at ${epoch}:${start}, it is ${said(newest[1])} since ${newest[0]}`);
      } else if (entry && newest[1] === ABSENT) note('ghost', `${key}, ${said(entry.n)}, is in the state at ${epoch}:${start}, it was removed at ${newest[0]}`);
      else if (entry && newest[1] !== entry.n) note('stale', `${key} is ${said(entry.n)} in the state at ${epoch}:${start}, it is ${said(newest[1])} since ${newest[0]}`);
    }
  }

  /** A key of which this epoch knows no change: what it was in the epoch before, of a map whose values outlive that. */
  #carried(key, entry, { epoch, at }, note) {
    const before = (this.channel.keys.get(key) ?? []).filter(op => op.asked <= at && op.epoch !== epoch);
    const last = before.findLast(op => op.state !== 'unsure');
    const loss = this.channel.losses.some(one => one.from <= at && one.epoch);
    const goes = this.channel.mode !== 'persistent' || this.channel.losses.some(one => one.from <= at && one.values && (!last || last.asked <= one.from + CLOCK_SLACK_MS));
    const may = new Set(before.filter(op => op.state === 'unsure' && (last?.n ?? 0) < op.n).map(op => (op.removes ? ABSENT : op.n)));
    may.add(!last || last.removes ? ABSENT : last.n);
    if (goes || !loss) may.add(ABSENT);
    const n = entry?.n ?? ABSENT;
    if (may.has(n)) return;
    note(n === ABSENT ? 'missing' : last?.removes ? 'ghost' : 'stale', `${key} is ${said(n)} in the new epoch ${epoch}, it was ${said(last?.removes ? ABSENT : last?.n ?? ABSENT)}`);
  }
}

/** Gives why a reader should not have been sent back to the state, or null where what it missed really was gone. */
function denied({ before, epoch, start, at }, previous, channel, history) {
  const made = channel.losses.some(loss => loss.from <= at && previous.at <= loss.from + CLOCK_SLACK_MS && (loss.epoch || before.epoch === epoch));
  if (made) return null;
  if (before.epoch !== epoch) return 'nothing took its epoch away';
  // It was ahead of a stream that has lost its end; by the time that it reads the state there may be more again.
  const newest = previous.had.at(-1);
  const isNewest = op => (newest && newest.n !== ABSENT ? op === channel.op(newest.key, newest.n) : op.offset === before.offset || (op.removes && op.offset === null));
  if (channel.tails.some(({ from, until }) => from <= at && at <= until) && channel.ops.some(op => isNewest(op) && channel.isTail(op))) return null;
  const missed = channel.ops.filter(op => op.epoch === epoch && before.offset < op.offset && op.offset <= start);
  const count = start - before.offset;
  if (count > history.size) return null;
  // What each change weighs beside its data is the server's business: a quarter of the room is left to it.
  if (missed.reduce((sum, op) => sum + op.bytes, 0) > history.bytes * 0.75) return null;
  return `${count} missed of ${history.size}`;
}

/** Judges what one reader had of a map with a stream. */
function judgeTrack(track, world, top, { channel, history }) {
  const note = (verdict, text) => track.note(verdict, text);
  for (const [i, segment] of track.segments.entries()) {
    const { epoch, start, had } = segment;
    let [highest, missing] = [start, 0];
    const seen = new Set();
    for (const { offset, key } of had) {
      if (seen.has(offset) || offset <= start) note('duplicate', `${key} at ${epoch}:${offset}, its state was of ${start}`);
      else if (offset < highest) note('disorder', `${key} at ${epoch}:${offset} after ${highest}`);
      seen.add(offset);
      highest = Math.max(highest, offset);
    }
    const isLast = i === track.segments.length - 1;
    if (isLast && epoch !== top.epoch) note('gap', `its epoch is ${epoch}, the map's ${top.epoch}`);
    const end = isLast && epoch === top.epoch ? Math.max(highest, top.offset) : highest;
    for (let offset = start + 1; offset <= end; offset++) if (!seen.has(offset)) missing++;
    if (missing > 0) note('gap', `${missing} changes of ${end - start} behind ${epoch}:${start}`);
    world.judge(segment, note);
    const reason = segment.before && denied(segment, track.segments[i - 1], channel, history);
    if (reason) note('denied', `was at ${segment.before.epoch}:${segment.before.offset}, read the state at ${epoch}:${start}: ${reason}`);
  }
}

/** Judges what one reader had of an ephemeral map: what changed while it read the state may follow the state. */
function judgeEphemeral(track, channel) {
  for (const { had } of track.segments) {
    const newest = new Map();
    const gone = new Set();
    for (const { key, n } of had) {
      if (n === ABSENT) gone.add(key);
      else {
        const op = channel.op(key, n);
        const before = newest.get(key) ?? 0;
        if (!op || op.removes) track.note('mixed up', `${key}, ${said(n)}, was never sent`);
        else if (n <= before && op.state === 'taken') track.note(gone.has(key) ? 'ghost' : 'stale', `${key} is ${said(n)} after ${said(before)}${gone.has(key) ? ' and its removal' : ''}`);
        newest.set(key, Math.max(before, n));
        gone.delete(key);
      }
    }
  }
}

/** What a key may be at the end by what its publisher was told: numbers, or null for absent. */
function ends(ops, { losses, isTail }) {
  const last = ops.findLast(op => op.state !== 'unsure');
  const may = new Set(ops.filter(op => op.state === 'unsure').map(op => (op.removes ? ABSENT : op.n)));
  may.add(!last || last.removes ? ABSENT : last.n);
  if (losses.some(loss => !last || last.asked <= loss.from + CLOCK_SLACK_MS)) may.add(ABSENT);
  // A failover may have taken the end of what was told, and what is unsure may never have been.
  for (let i = ops.length - 1; i >= 0 && (isTail(ops[i]) || ops[i].state === 'unsure'); i--) may.add(!ops[i - 1] || ops[i - 1].removes ? ABSENT : ops[i - 1].n);
  return may;
}

/** The server's state by what publishers were told. */
function judgeEnd(name, top, world, channel, note) {
  if (channel.hasStream) world.judge({ epoch: top.epoch, start: top.offset, at: Infinity, entries: top.entries }, (verdict, text) => note(verdict, `the server's own: ${text}`));
  const there = new Map(top.entries);
  const isTail = op => channel.isTail(op);
  // Values of a map with a stream are judged by their places above; what it kept of an epoch before, too.
  for (const [key, ops] of channel.keys) {
    const n = there.get(key)?.n ?? ABSENT;
    const losses = channel.losses.filter(loss => loss.values || channel.mode !== 'persistent');
    const may = ends(ops, { losses, isTail });
    if (!may.has(n)) note(n === ABSENT ? 'lost' : 'stale', `the server has ${said(n)} of ${key}, its publisher was told ${[...may].map(said).join(' or ')}`);
    for (const [i, op] of ops.entries()) {
      if (op.state !== 'none' || channel.losses.some(loss => ops[i - 1].asked <= loss.from + CLOCK_SLACK_MS) || isTail(ops[i - 1])) continue;
      if (ops.slice(0, i).every(one => one.state !== 'unsure')) note('lost', `there was nothing to remove of ${key}, number ${ops[i - 1].n} was taken`);
    }
  }
  for (const key of there.keys()) if (!channel.keys.has(key)) note('mixed up', `the server has ${key}, which was never sent`);
}

/**
 * Gives what is wrong with a map; `top` is what the server has at the end: `{ epoch, offset, entries }`, null where that is
 * not known.
 */
export function judgeMap(name, tracks, top, ledger) {
  const channel = ledger.channel(name);
  const wrong = [];
  const note = (verdict, text) => wrong.push({ verdict, text: `${name}: ${text}` });
  const world = channel.hasStream ? new World(name, channel, tracks, top) : null;
  for (const track of tracks) {
    if (world) judgeTrack(track, world, top, { channel, history: ledger.history });
    else judgeEphemeral(track, channel);
    const there = new Map(top.entries.map(([key, { n }]) => [key, n]));
    for (const key of new Set([...there.keys(), ...track.now.keys()])) {
      const [n, has] = [there.get(key) ?? ABSENT, track.now.get(key) ?? ABSENT];
      if (n === has || channel.isTorn(key, has, n)) continue;
      track.note(n === ABSENT ? 'ghost' : has === ABSENT ? 'missing' : 'stale', `at the end it has ${said(has)} of ${key}, the server ${said(n)}`);
    }
    wrong.push(...track.wrong);
  }
  judgeEnd(name, top, world, channel, note);
  wrong.push(...world?.wrong ?? []);
  return wrong;
}
