// Which nodes' disks are in trouble, from notices that tell the same again and again.
import { isFields, number, text } from '../wire/parse';

/** The disk of a node, for as long as it does not do what it should. */
export interface Trouble {
  readonly node: string;
  readonly state: 'refusing' | 'slow';
  /** Since when, ms; null when the notice does not say. */
  readonly since: number | null;
  /** What the disk said, empty when nothing. */
  readonly text: string;
}

/** What a notice changed: a trouble is there, its disk says something else now, or it is over. */
export interface TroubleChange {
  readonly kind: 'began' | 'reworded' | 'ended';
  readonly trouble: Trouble;
}

const STORAGE = 'storage';

/** Gives the troubles of the nodes, and what each notice changes of them: nothing, when it is told again. */
export class Troubles {
  readonly #standing = new Map<string, Trouble>();

  /** Takes one notice; it speaks of its own node alone. */
  told(notice: unknown): TroubleChange[] {
    if (!isFields(notice) || notice['kind'] !== STORAGE) return [];
    const node = text(notice['node']);
    const state = text(notice['state']);
    if (state !== 'refusing' && state !== 'slow') return this.#ended(node);
    const before = this.#standing.get(node);
    const trouble: Trouble = { node, state, since: number(notice['since']), text: text(notice['text']) };
    this.#standing.set(node, trouble);
    if (before?.state !== state || before.since !== trouble.since) return [{ kind: 'began', trouble }];
    return before.text === trouble.text ? [] : [{ kind: 'reworded', trouble }];
  }

  /** Takes all notices that stand, which is the whole truth: what is not among them ended while nobody listened. */
  stand(notices: readonly unknown[]): TroubleChange[] {
    const nodes = new Set(notices.map(one => (isFields(one) && one['kind'] === STORAGE ? text(one['node']) : null)));
    const over = [...this.#standing.keys()].filter(node => !nodes.has(node));
    return [...over.flatMap(node => this.#ended(node)), ...notices.flatMap(one => this.told(one))];
  }

  #ended(node: string): TroubleChange[] {
    const trouble = this.#standing.get(node);
    this.#standing.delete(node);
    return trouble ? [{ kind: 'ended', trouble }] : [];
  }
}
