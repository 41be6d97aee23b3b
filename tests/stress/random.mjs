// Numbers that a seed decides. Each actor draws from a stream of its own, so that what one does never depends on how
// often another has drawn.

/** Mixes a text into 32 bits (FNV-1a, then murmur's finish). */
function mixed(text, salt) {
  let hash = 0x811c9dc5 ^ salt;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A stream of numbers (sfc32). */
export class Random {
  #name;
  #state;

  constructor(seed) {
    this.#name = String(seed);
    this.#state = Uint32Array.from([1, 2, 3, 4], salt => mixed(this.#name, salt));
    for (let i = 0; i < 12; i++) this.#word();
  }

  #word() {
    const state = this.#state;
    const sum = (state[0] + state[1] + state[3]) >>> 0;
    state[3] += 1;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = state[2] + (state[2] << 3);
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum;
    return sum;
  }

  /** A stream of another's own; the same name gives the same one. */
  fork(name) {
    return new Random(`${this.#name}/${name}`);
  }

  /** A whole number from 0 to below `end`. */
  below(end) {
    return Math.floor((this.#word() / 0x1_0000_0000) * end);
  }

  /** A whole number from `first` to `last`, both included. */
  between(first, last) {
    return first + this.below(last - first + 1);
  }

  /** True so often: 0.25 is each fourth time. */
  chance(share) {
    return this.#word() / 0x1_0000_0000 < share;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** So many of a list, each once, in any order. */
  some(list, count) {
    const rest = [...list];
    return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(this.below(rest.length), 1)[0]);
  }

  /** Letters and spaces: what publications are filled with. */
  text(length) {
    let text = '';
    while (text.length < length) text += 'abcdefghijklmnopqrstuvwxyz äß日😀'[this.below(30)] ?? ' ';
    return text;
  }
}
