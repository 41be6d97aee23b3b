// What a person can do about an alert. `opener` is what they pressed: answers and failures are said beside it.
import type { AlertView } from '../wire/alert';

export interface AlertActions {
  /** Acks at once; a reason can be given afterwards. */
  ack(alert: AlertView, opener?: HTMLElement): void;
  unack(alert: AlertView, opener?: HTMLElement): void;
  /** Asks for how long and why. */
  silence(alert: AlertView, opener: HTMLElement): void;
  /** Ends a silence at once, by its id. */
  endSilence(id: string, opener: HTMLElement): void;
}
