// The server's clock, as this page knows it.
import { isFields, number } from '../wire/parse';

/** How often it is asked, ms; more often until three answers came. */
const ASK_EVERY = 30_000;
const ASK_SOON = 700;
const ANSWERS_KEPT = 8;

interface Answer {
  readonly trip: number;
  readonly ahead: number;
}

/** Asks for the server's time, and believes the answer that travelled the shortest. */
export class ServerTime {
  readonly #ask: () => Promise<unknown>;
  readonly #now: () => number;
  readonly #answers: Answer[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ahead: number;

  /** `first` is the server's time when it made the page: good to some 100 ms until the first answer. */
  constructor(ask: () => Promise<unknown>, now: () => number, first: number) {
    this.#ask = ask;
    this.#now = now;
    this.#ahead = first > 0 && Math.abs(first - now()) > 5_000 ? first - now() : 0;
  }

  /** Gives the server's time, ms since the epoch. */
  now(): number {
    return this.#now() + this.#ahead;
  }

  /** Gives the shortest trip to the server and back, ms, or null before the first. */
  get trip(): number | null {
    return this.#answers.length === 0 ? null : Math.min(...this.#answers.map(answer => answer.trip));
  }

  start(): void {
    this.stop();
    void this.#round();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const sent = this.#now();
    try {
      const reply = await this.#ask();
      const back = this.#now();
      const said = isFields(reply) ? number(reply['now']) : null;
      if (said !== null) this.#heard({ trip: back - sent, ahead: said - (sent + back) / 2 });
    } catch {
      // The link broke; start() is called again when it is back.
    }
    this.#timer = setTimeout(() => void this.#round(), this.#answers.length < 3 ? ASK_SOON : ASK_EVERY);
  }

  #heard(answer: Answer): void {
    this.#answers.push(answer);
    if (this.#answers.length > ANSWERS_KEPT) this.#answers.shift();
    const best = this.#answers.reduce((a, b) => (b.trip < a.trip ? b : a));
    this.#ahead = best.ahead;
  }
}
