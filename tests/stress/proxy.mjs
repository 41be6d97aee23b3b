// A network in the middle that can be cut, stalled, slowed and made to lie. TCP only: it knows nothing of what it carries,
// but for whole frames of a WebSocket when it is told to tamper with them.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Splits what a server writes on a WebSocket into its answer's head and whole frames; tells texts from the rest. */
class Frames {
  #pending = Buffer.alloc(0);
  #isUpgraded = false;

  /** Gives `{ bytes, text }` for each whole part; `text` is null for what is no text frame. */
  take(bytes) {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const parts = [];
    if (!this.#isUpgraded) {
      const head = this.#pending.indexOf('\r\n\r\n');
      if (head < 0) return parts;
      this.#isUpgraded = true;
      parts.push({ bytes: this.#pending.subarray(0, head + 4), text: null });
      this.#pending = this.#pending.subarray(head + 4);
    }
    for (;;) {
      const rest = this.#pending;
      if (rest.length < 2) return parts;
      const short = rest[1] & 127;
      const at = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (rest.length < at) return parts;
      const end = at + (short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short);
      if (rest.length < end) return parts;
      const isText = (rest[0] & 15) === 1;
      parts.push({ bytes: rest.subarray(0, end), text: isText ? rest.subarray(at, end).toString() : null });
      this.#pending = rest.subarray(end);
    }
  }
}

function frame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}

/** A listener that passes each connection on to `port`. */
export class Proxy {
  #server = createServer({ noDelay: true }, near => this.#accept(near));
  #pairs = new Set();
  #isStalled = false;

  /** `shut`: whoever comes is reset. */
  isShut = false;
  /** How late everything is, ms. */
  delay = 0;
  /** Given each text that the server writes on a WebSocket, gives those that the client is to have. */
  tamper = null;
  /** Given what the server writes, as it comes, gives what the client is to have. */
  rewrite = bytes => bytes;

  constructor(port) {
    this.port = port;
  }

  static async to(scope, port) {
    const proxy = new Proxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.at = proxy.#server.address().port;
    proxy.url = `http://127.0.0.1:${proxy.at}`;
    scope.after(() => {
      proxy.#server.close();
      proxy.cut();
    });
    return proxy;
  }

  #accept(near) {
    near.on('error', () => undefined);
    if (this.isShut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    const pair = { near, far, left: Infinity, frames: null, late: [] };
    this.#pairs.add(pair);
    far.on('error', () => undefined);
    near.on('data', bytes => this.#pass(pair, near, far, bytes));
    far.on('data', bytes => this.#back(pair, bytes));
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('end', () => this.#later(pair, () => other.end()));
      one.on('close', failed => {
        this.#pairs.delete(pair);
        if (failed) other.resetAndDestroy();
        else this.#later(pair, () => other.destroySoon());
      });
    }
    if (this.#isStalled) {
      near.pause();
      far.pause();
    }
  }

  #back(pair, bytes) {
    if (this.tamper && !pair.frames) pair.frames = new Frames();
    if (pair.frames) {
      for (const part of pair.frames.take(bytes)) {
        const texts = part.text === null || !this.tamper ? null : this.tamper(part.text);
        for (const out of texts?.map(frame) ?? [part.bytes]) this.#pass(pair, pair.far, pair.near, out);
      }
      return;
    }
    const passed = this.rewrite(bytes).subarray(0, pair.left);
    pair.left -= passed.length;
    this.#pass(pair, pair.far, pair.near, passed);
    if (pair.left <= 0) this.#later(pair, () => this.#reset(pair));
  }

  #pass(pair, from, to, bytes) {
    this.#later(pair, () => {
      if (to.destroyed || to.write(bytes)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.#isStalled) from.resume();
      });
    });
  }

  /** Does something after what is under way already: what is late keeps its order. */
  #later(pair, work) {
    if (pair.late.length === 0 && this.delay === 0) return work();
    pair.late.push({ due: performance.now() + this.delay, work });
    if (pair.late.length === 1) this.#await(pair);
  }

  #await(pair) {
    setTimeout(() => {
      while (pair.late.length > 0 && (this.delay === 0 || pair.late[0].due <= performance.now())) pair.late.shift().work();
      if (pair.late.length > 0) this.#await(pair);
    }, Math.max(1, pair.late[0].due - performance.now()));
  }

  #reset({ near, far }) {
    near.resetAndDestroy();
    far.resetAndDestroy();
  }

  /** Resets every connection. */
  cut() {
    for (const pair of this.#pairs) this.#reset(pair);
  }

  /** Resets every connection behind so many bytes more of what the server writes: in the middle of a frame. */
  cutAfter(bytes) {
    for (const pair of this.#pairs) pair.left = bytes;
  }

  /** Passes nothing on until `resume`, and closes nothing: neither side is told. */
  stall() {
    this.#isStalled = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  resume() {
    this.#isStalled = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }
}
