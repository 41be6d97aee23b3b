// What is asked of the server for the rows of the page, and what they are told of the answers.
import type { Table } from '../data/table';
import { refusalText } from '../live/refusal';
import { isFields, text } from '../wire/parse';
import { isRefusal, linesOf, refusalOf, rowsOf, type Answer, type Refusal, type Remark } from './answer';
import { instant, range, type Ask } from './api';
import type { Asked } from './graph';
import { tableOf } from './lines';
import type { Found } from './rows';

/** One row that is asked. */
export interface Asker {
  readonly letter: string;
  readonly expr: string;
  readonly say: (refusal: Refusal | null, remarks: readonly Remark[]) => void;
}

export interface AskingParts {
  readonly ask: Ask;
  /** Calls over the link; rejects while it is away. */
  readonly call: (method: string, request: unknown) => Promise<unknown>;
  /** What is said of an answer that is none of the API. */
  readonly otherwise: string;
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** What a stretch gave: the queries that worked, their tables, and how many native histograms are no lines. */
export interface Still {
  readonly asked: readonly Asked[];
  readonly tables: readonly Table[];
  readonly histograms: number;
}

export class Asking {
  readonly #parts: AskingParts;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  /** Gives the rows of a moment. A query that is refused has none, and its row is told. */
  async moment(askers: readonly Asker[], time: number, signal: AbortSignal): Promise<readonly Found[]> {
    const all = await Promise.all(askers.map(async asker => {
      const answer = await this.#told(asker, () => instant(this.#parts.ask, { expr: asker.expr, time }, this.#parts.otherwise, signal), signal);
      return answer ? rowsOf(answer).map(row => ({ query: asker.letter, row })) : [];
    }));
    return all.flat();
  }

  /** Gives the tables of a stretch. */
  async still(askers: readonly Asker[], stretch: Stretch, signal: AbortSignal): Promise<Still> {
    const { step } = stretch;
    const whole = { from: Math.floor(stretch.from / step) * step, to: Math.floor(stretch.to / step) * step, step };
    const all = await Promise.all(askers.map(async asker => {
      const answer = await this.#told(asker, () => range(this.#parts.ask, { expr: asker.expr, ...whole }, this.#parts.otherwise, signal), signal);
      return answer ? { asker, lines: linesOf(answer) } : null;
    }));
    const worked = all.filter(one => one !== null);
    return {
      asked: worked.map(({ asker: { letter, expr } }) => ({ letter, expr, channel: '' })),
      tables: worked.map(({ lines }) => tableOf(lines, whole)),
      histograms: worked.reduce((sum, { lines }) => sum + lines.filter(line => line.histograms > 0).length, 0),
    };
  }

  /** Gives the queries that can stand live, with their channels. Each is evaluated once before: its remarks are in that answer. */
  async live(askers: readonly Asker[], step: number, time: number, signal: AbortSignal): Promise<readonly Asked[]> {
    const all = await Promise.all(askers.map(async asker => {
      const { letter, expr } = asker;
      const answer = await this.#told(asker, () => instant(this.#parts.ask, { expr, time }, this.#parts.otherwise, signal), signal);
      if (!answer) return null;
      try {
        const reply = await this.#parts.call('live_channel', { expr, step });
        return { letter, expr, channel: isFields(reply) ? text(reply['channel']) : '' };
      } catch (error) {
        if (!signal.aborted) asker.say(refusalOf(refusalText(error, this.#parts.otherwise)), answer.remarks);
        return null;
      }
    }));
    return all.filter(one => one !== null);
  }

  /** Asks, and tells the row what was said; null for a refusal, and for a question that was given up. */
  async #told(asker: Asker, asking: () => Promise<Answer | Refusal>, signal: AbortSignal): Promise<Answer | null> {
    const answer = await asking().catch((): Refusal => ({ text: this.#parts.otherwise, place: null }));
    if (signal.aborted) return null;
    if (isRefusal(answer)) asker.say(answer, []);
    else asker.say(null, answer.remarks);
    return isRefusal(answer) ? null : answer;
  }
}
