// The alert that keys mean: `n` chooses the next that fires, `a` and `s` act on it.
import type { AlertView } from '../wire/alert';
import type { AlertActions } from './actions';
import { meant, nextFiring } from './rank';
import type { AlertState } from './state';

export interface ChosenParts {
  readonly state: AlertState;
  readonly actions: AlertActions;
  /** Whether this page shows the alert. */
  readonly isHere: (alert: AlertView) => boolean;
  /** Gives the alerts of the panel or card that has the focus, the worst first; null when none has it. */
  readonly focused: () => readonly AlertView[] | null;
  /** Brings it into view; false when this page has nothing of it. */
  readonly show: (alert: AlertView) => boolean;
  /** Goes to the page that has it. */
  readonly leave: (alert: AlertView) => void;
  /** Gives what stands for the alert on this page: what opens is put beside it. */
  readonly openerOf: (alert: AlertView) => HTMLElement;
}

export class Chosen {
  readonly #parts: ChosenParts;
  #id: string | null = null;

  constructor(parts: ChosenParts) {
    this.#parts = parts;
  }

  get id(): string | null {
    return this.#id;
  }

  /** Chooses an alert and brings it into view. */
  show(alert: AlertView): boolean {
    this.#id = alert.id;
    return this.#parts.show(alert);
  }

  /** Goes to the next that fires: on this page, or on that of alerts when nothing here does. */
  next(): void {
    const all = [...this.#parts.state.all()];
    const here = nextFiring(all.filter(this.#parts.isHere), this.#id);
    const other = here ? null : nextFiring(all, this.#id);
    if (here) this.show(here);
    else if (other) this.#parts.leave(other);
  }

  /** Acks what is meant; where several fire and none is chosen, chooses the worst, for the next press. */
  ack(): void {
    const alert = this.#meant();
    if (alert) this.#parts.actions.ack(alert, this.#parts.openerOf(alert));
    else this.next();
  }

  silence(): void {
    const alert = this.#meant();
    if (alert) this.#parts.actions.silence(alert, this.#parts.openerOf(alert));
    else this.next();
  }

  #meant(): AlertView | null {
    const focused = this.#parts.focused();
    const there = focused?.find(alert => alert.id === this.#id) ?? focused?.[0];
    if (there) return there;
    return meant([...this.#parts.state.all()].filter(this.#parts.isHere), focused === null ? this.#id : null);
  }
}
