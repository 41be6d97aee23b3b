// What was published, what each reader had of it, and what is wrong with that. No sockets, no clocks of its own.
//
// A publication is known by its mark, '<publisher> <number>'; a place in a stream by epoch and offset. Verdicts:
//
//   gap        a place that a reader never had, between two that it had or before the end
//   duplicate  a place that it had twice
//   disorder   a place that came after a later one, or a publisher's numbers out of order in the stream
//   mixed up   two things at one place, one mark at two places, what came is not what was sent
//   lost       what the server took and no stream has
//   denied     "not recovered" although the history was there
//   claimed    "recovered" from another place or epoch than the reader's

/** How far the time of an answer may be from when the server did the thing, ms. */
const CLOCK_SLACK_MS = 400;

const placeOf = (epoch, offset) => `${epoch}:${offset}`;

/** What is known of a channel. */
class Channel {
  /** Answers of the server to publishers: `{ mark, epoch, offset, asked, answered, bytes }`; epoch and offset may be null. */
  acks = [];
  /** Marks whose answer was lost, or an error that leaves open what became of it, with times as above. */
  unsure = new Map();
  /** Times at which its history was made to go, ms: `{ from, epoch }`; `epoch`: with its epoch. */
  losses = [];
  /**
   * Failovers of the server that had it, ms: what was answered from `from` to `to` may be gone, and its places given again
   * until `until` to others than those who had them before.
   */
  tails = [];

  constructor(history) {
    this.history = history;
  }

  /** Gives what tells whether a failover may have taken a mark away. */
  tail() {
    const isIn = ({ asked, answered }) => this.tails.some(({ from, to }) => asked <= to && from <= answered);
    const marks = new Set(this.tails.length === 0 ? [] : [...this.acks.filter(isIn).map(({ mark }) => mark), ...[...this.unsure].filter(([, times]) => isIn(times)).map(([mark]) => mark)]);
    return mark => marks.has(mark);
  }
}

/** What publishers were told. */
export class Ledger {
  #channels = new Map();

  /** `history` of a channel: `{ size, ttl, bytes, limit }`: publications, ms, bytes, publications recovered at once. */
  constructor(historyOf) {
    this.historyOf = historyOf;
  }

  channel(name) {
    let known = this.#channels.get(name);
    if (!known) this.#channels.set(name, known = new Channel(this.historyOf(name)));
    return known;
  }

  get channels() {
    return [...this.#channels.keys()];
  }

  /** A publisher was told that its publication is taken. */
  took(channel, ack) {
    this.channel(channel).acks.push(ack);
  }

  /** A publisher does not know. */
  unsure(channel, mark, times) {
    this.channel(channel).unsure.set(mark, times);
  }

  /** From now on the histories of all channels may be gone; with their epochs, or with what they held alone. */
  forgot({ epoch }, from = Date.now(), names = this.channels) {
    for (const name of names) this.channel(name).losses.push({ from, epoch });
  }

  /** How many places publishers were told twice. */
  repeated() {
    const places = [...this.#channels].flatMap(([name, { acks }]) => acks.filter(({ epoch, offset }) => epoch !== null && offset !== null).map(({ epoch, offset }) => `${name} ${placeOf(epoch, offset)}`));
    return places.length - new Set(places).size;
  }

  /** How many were taken, and of how many nobody knows. */
  counts() {
    const all = [...this.#channels.values()];
    return { taken: all.reduce((sum, one) => sum + one.acks.length, 0), unsure: all.reduce((sum, one) => sum + one.unsure.size, 0) };
  }
}

/** What one reader had of one channel. */
export class Track {
  /** Spans without a break: `{ epoch, start, had: [{ offset, mark }] }`; `start` is the place before the first. */
  segments = [];
  /** Times that it was told "not recovered": `{ from, to, at }`; places. */
  losses = [];
  /** How often it recovered. */
  recovered = 0;
  /** What is wrong already. */
  wrong = [];
  #last = null;

  constructor(reader, channel) {
    Object.assign(this, { reader, channel });
  }

  /** The place of the newest that it had, or null. */
  get last() {
    return this.#last;
  }

  /** It is subscribed: from the beginning, recovered, or not recovered. `position` is what it was told. */
  subscribed({ wasRecovering, recovered, position }, at = Date.now()) {
    const { epoch, offset } = position;
    const before = this.#last;
    if (wasRecovering && recovered && before) {
      this.recovered++;
      if (epoch !== before.epoch || offset !== before.offset) this.#note('claimed', `recovered at ${placeOf(epoch, offset)}, was at ${placeOf(before.epoch, before.offset)}`);
      return;
    }
    if (before && !wasRecovering) this.#note('claimed', 'subscribed anew without a word of what it missed');
    if (before) this.losses.push({ from: { ...before, since: this.since }, to: { epoch, offset }, at });
    this.since = at;
    this.segments.push({ epoch, start: offset, had: [] });
    this.#last = { epoch, offset };
  }

  /** A publication came. */
  publication(offset, mark) {
    const segment = this.segments.at(-1);
    if (!segment) return this.#note('mixed up', `${mark} came before it was subscribed`);
    segment.had.push({ offset, mark });
    this.#last = { epoch: segment.epoch, offset: Math.max(offset, this.#last.offset) };
  }

  #note(verdict, text) {
    this.wrong.push({ verdict, text: `${this.reader} in ${this.channel}: ${text}` });
  }

  /** Gives what is wrong with what came; `top` is where the stream ends, `ledger` what was published. */
  judge(top, ledger) {
    const channel = ledger.channel(this.channel);
    for (const [i, { epoch, start, had }] of this.segments.entries()) {
      const seen = new Set();
      let highest = start;
      for (const { offset } of had) {
        if (seen.has(offset)) this.#note('duplicate', placeOf(epoch, offset));
        else if (offset <= start) this.#note('duplicate', `${placeOf(epoch, offset)}, it began behind ${start}`);
        else if (offset < highest) this.#note('disorder', `${placeOf(epoch, offset)} after ${highest}`);
        seen.add(offset);
        highest = Math.max(highest, offset);
      }
      const isLast = i === this.segments.length - 1;
      if (isLast && top && epoch !== top.epoch) this.#note('gap', `its epoch is ${epoch}, the stream's ${top.epoch}`);
      const end = isLast && top?.epoch === epoch ? Math.max(highest, top.offset) : highest;
      const missing = [];
      for (let offset = start + 1; offset <= end; offset++) if (!seen.has(offset)) missing.push(offset);
      if (missing.length > 0) this.#note('gap', `${missing.length} of ${end - start}: ${epoch}:${missing.slice(0, 5).join(', ')}${missing.length > 5 ? '…' : ''}, the stream ends at ${end}`);
    }
    for (const loss of this.losses) {
      const reason = denied(loss, channel);
      if (reason) this.#note('denied', `at ${placeOf(loss.from.epoch, loss.from.offset)}, the stream at ${placeOf(loss.to.epoch, loss.to.offset)}: ${reason}`);
    }
    return this.wrong;
  }
}

/** Gives why "not recovered" was wrong, or null where the history really was gone. */
function denied({ from, to, at }, channel) {
  const made = channel.losses.filter(loss => loss.from <= at && from.since <= loss.from + CLOCK_SLACK_MS);
  if (from.epoch !== to.epoch) return made.some(loss => loss.epoch) ? null : 'nothing took its epoch away';
  if (made.length > 0) return null;
  // It is ahead of a stream that has lost its end.
  if (to.offset < from.offset && channel.tails.some(tail => tail.from <= at)) return null;
  const missed = channel.acks.filter(ack => ack.epoch === to.epoch && from.offset < ack.offset && ack.offset <= to.offset);
  const { size, ttl, bytes, limit } = channel.history;
  const count = to.offset - from.offset;
  if (count > Math.min(size, limit)) return null;
  // What each publication weighs beside its data is the server's business: a quarter of the room is left to it.
  if (missed.reduce((sum, ack) => sum + ack.bytes, 0) > bytes * 0.75) return null;
  const oldest = missed.reduce((first, ack) => Math.min(first, ack.asked), Infinity);
  if (at - oldest > ttl - CLOCK_SLACK_MS) return null;
  if (missed.length === 0) return `${count} missed of ${size}`;
  return `${count} missed of ${size}, the oldest ${Math.round(at - oldest)} ms old of ${ttl}`;
}

/** Gives what is wrong with the streams themselves, as all readers of a channel together had them. */
export function judgeStream(name, tracks, ledger) {
  const wrong = [];
  const note = (verdict, text) => wrong.push({ verdict, text: `${name}: ${text}` });
  const channel = ledger.channel(name);
  const isTail = channel.tail();
  const marks = new Map();
  const places = new Map();
  const put = (epoch, offset, mark, who) => {
    const place = placeOf(epoch, offset);
    const known = marks.get(place);
    if (known === mark) return;
    if (known !== undefined && isTail(known) === isTail(mark)) {
      note('mixed up', `${place} is ${known}, and ${mark} for ${who}`);
      return;
    }
    // What a failover took is not there any more, and its place may have been given again.
    if (known !== undefined && isTail(mark)) return;
    marks.set(place, mark);
    if (places.has(mark)) note('mixed up', `${mark} is at ${places.get(mark)} and at ${place}`);
    places.set(mark, place);
  };
  // Where answers name no epoch, there is one.
  const epochs = new Set(tracks.flatMap(track => track.segments.map(({ epoch }) => epoch)));
  const only = epochs.size === 1 ? [...epochs][0] : null;
  for (const { mark, epoch, offset } of channel.acks) if (offset !== null && (epoch ?? only) !== null) put(epoch ?? only, offset, mark, 'its publisher');
  for (const track of tracks) for (const { epoch, had } of track.segments) for (const { offset, mark } of had) put(epoch, offset, mark, track.reader);

  const taken = new Set(channel.acks.map(ack => ack.mark));
  for (const [mark, place] of places) if (!taken.has(mark) && !channel.unsure.has(mark)) note('mixed up', `${mark} at ${place} was never sent`);
  // A publisher sends the next one when it was told of the last: the stream has them in that order.
  const newest = new Map();
  const inOrder = [...marks].map(([place, mark]) => ({ at: place.split(':'), mark })).filter(({ mark }) => taken.has(mark) && !isTail(mark));
  inOrder.sort((a, b) => (a.at[0] === b.at[0] ? a.at[1] - b.at[1] : a.at[0] < b.at[0] ? -1 : 1));
  for (const { at: [epoch, offset], mark } of inOrder) {
    const [by, number] = mark.split(' ');
    const key = `${epoch} ${by}`;
    if (newest.get(key) > Number(number)) note('disorder', `${mark} at ${epoch}:${offset} is behind number ${newest.get(key)}`);
    newest.set(key, Math.max(newest.get(key) ?? 0, Number(number)));
  }
  // What was given a place again may be seen by nobody, where all had seen what was there before.
  const isHidden = asked => channel.tails.some(({ to, until }) => to <= asked && asked <= until) && tracks.some(({ segments }) => segments.some(({ had }) => had.some(({ mark }) => isTail(mark))));
  // Whoever published by a client is not told the place: some reader that missed nothing must have had it.
  if (tracks.some(track => track.losses.length === 0) && channel.losses.length === 0) {
    for (const { mark, offset, asked } of channel.acks) if (offset === null && !places.has(mark) && !isTail(mark) && !isHidden(asked)) note('lost', `${mark} was taken, and nobody had it`);
  }
  return wrong;
}
