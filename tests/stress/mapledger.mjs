// What publishers changed in maps, and what each reader had of it. No sockets, no clocks of its own.
//
// Each key has one publisher, who numbers what it does with it: a value is known by its key and number. A place in the stream
// of changes is an epoch and an offset; ephemeral maps have neither.

/** The number of a key that is not there. */
export const ABSENT = null;

/** What is known of one map. */
class MapChannel {
  /**
   * By key, what was done with it, in order: `{ n, removes, state, epoch, offset, asked, answered, bytes }`; `state` is
   * `taken`, `unsure`, or `none` where the server says that there was nothing to remove.
   */
  keys = new Map();
  /** Times at which it was made to go: `{ from, epoch, values }`; `values`: those of persistent maps, too. */
  losses = [];
  /** Failovers of the server that had it: `{ from, to, until }`, as in checker.mjs. */
  tails = [];

  constructor(mode) {
    this.mode = mode;
  }

  get hasStream() {
    return this.mode !== 'ephemeral';
  }

  get ops() {
    return [...this.keys.values()].flat();
  }

  op(key, n) {
    return this.keys.get(key)?.[n - 1];
  }

  /** Whether a failover may have taken a change away. */
  isTail({ asked, answered }) {
    return this.tails.some(({ from, to }) => asked <= to && from <= answered);
  }

  /**
   * Whether a failover explains that a reader has number `has` of a key, and the server `n`: it has what was taken away, or
   * has not what was given its place. Readers of ephemeral maps are told the state anew.
   */
  isTorn(key, has, n) {
    if (!this.hasStream) return false;
    const of = number => (this.keys.get(key) ?? []).filter(op => (number === ABSENT ? op.removes : op.n === number));
    const isHidden = ({ asked }) => this.tails.some(({ to, until }) => to <= asked && asked <= until);
    return of(has).some(op => this.isTail(op)) || of(n).some(isHidden);
  }
}

/** What publishers of maps were told. */
export class MapLedger {
  #channels = new Map();

  /** `modeOf` gives a map's mode, `history` what streams of changes keep: `{ size, bytes, ttl }`. */
  constructor(modeOf, history) {
    Object.assign(this, { modeOf, history });
  }

  channel(name) {
    let known = this.#channels.get(name);
    if (!known) this.#channels.set(name, known = new MapChannel(this.modeOf(name)));
    return known;
  }

  get channels() {
    return [...this.#channels.keys()];
  }

  /** Notes what is asked for; its state is known later. */
  asks(name, key, op) {
    const { keys } = this.channel(name);
    if (!keys.has(key)) keys.set(key, []);
    keys.get(key).push(op);
    return op;
  }

  forgot(loss, names = this.channels) {
    for (const name of names) this.channel(name).losses.push({ from: Date.now(), ...loss });
  }

  counts() {
    const ops = this.channels.flatMap(name => this.channel(name).ops);
    return { changes: ops.filter(({ state }) => state === 'taken').length, 'changes unsure': ops.filter(({ state }) => state === 'unsure').length };
  }
}

/** What one reader had of one map. */
export class MapTrack {
  /**
   * Spans without a break, each from a state: `{ epoch, start, at, entries, had }`; `entries` are `[key, { offset, n }]` of
   * the state, `had` the changes since: `{ offset, key, n }`, `n` null for a removal. `epoch` is null in an ephemeral map.
   */
  segments = [];
  recovered = 0;
  wrong = [];
  /** The keys as a program would have them. */
  now = new Map();
  #begins = null;
  #ended = null;

  constructor(reader, channel) {
    Object.assign(this, { reader, channel });
  }

  get last() {
    const segment = this.segments.at(-1);
    return segment ? { epoch: segment.epoch, offset: segment.had.at(-1)?.offset ?? segment.start } : null;
  }

  /** It is subscribed; `position` is null in an ephemeral map. The state follows where it is not recovered. */
  subscribed({ recovered, position }, at = Date.now()) {
    if (!recovered) {
      this.#begins = { epoch: position?.epoch ?? null, start: position?.offset ?? 0, at };
      return;
    }
    this.recovered++;
    const before = this.last;
    if (!before) this.note('claimed', 'recovered, and never was there');
    else if (before.epoch !== position?.epoch) this.note('claimed', `recovered in epoch ${position?.epoch}, was in ${before.epoch}`);
  }

  /** The whole state: `[key, { offset, n }]`. */
  synced(entries) {
    if (!this.#begins) this.note('mixed up', 'a state that nobody asked for');
    this.segments.push({ ...this.#begins, entries, had: [], before: this.last });
    this.now = new Map(entries.map(([key, { n }]) => [key, n]));
  }

  /** A change came; `n` is null for a removal. */
  changed({ key, offset, n }) {
    const segment = this.segments.at(-1);
    if (!segment) return this.note('mixed up', `${key} came before the state`);
    segment.had.push({ key, offset, n });
    if (n === ABSENT) this.now.delete(key);
    else this.now.set(key, n);
  }

  note(verdict, text) {
    this.wrong.push({ verdict, text: `${this.reader} in ${this.channel}: ${text}` });
  }

  /** How often it was told that what it missed is gone. */
  get restarts() {
    return Math.max(0, this.segments.length - 1);
  }
}
