// Which alerts come first, and which are still to be heard.
import type { AlertView } from '../wire/alert';

/** Whether it still counts down or fires. */
export function isLive(alert: AlertView): boolean {
  return alert.state === 'pending' || alert.state === 'firing';
}

/** Whether it asks for someone: it fires, and nobody acked, silenced or outranked it. */
export function isLoud(alert: AlertView): boolean {
  return alert.state === 'firing' && alert.ack === null && alert.silences.length === 0 && !alert.inhibited;
}

/** Lower comes first: firing before pending, loud before acked before silenced, critical before warning. */
function rank(alert: AlertView): number {
  const state = alert.state === 'firing' ? 0 : alert.state === 'pending' ? 8 : 16;
  const heard = alert.silences.length > 0 || alert.inhibited ? 4 : alert.ack !== null ? 2 : 0;
  return state + heard + (alert.severity === 'critical' ? 0 : 1);
}

/** Orders alerts, the worst first; of equals the newest. */
export function worstFirst(a: AlertView, b: AlertView): number {
  return rank(a) - rank(b) || (b.fired ?? b.since) - (a.fired ?? a.since) || (a.id < b.id ? -1 : 1);
}

export interface Counts {
  readonly critical: number;
  readonly warning: number;
  readonly pending: number;
}

/** Counts what fires and what is about to; silenced and outranked ones are not counted. */
export function countsOf(alerts: Iterable<AlertView>): Counts {
  const counts = { critical: 0, warning: 0, pending: 0 };
  for (const alert of alerts) {
    if (!isLive(alert) || alert.silences.length > 0 || alert.inhibited) continue;
    counts[alert.state === 'pending' ? 'pending' : alert.severity]++;
  }
  return counts;
}

/** Counts what asks for someone: the figure of title and icon. */
export function loudOf(alerts: Iterable<AlertView>): Counts {
  return countsOf([...alerts].filter(isLoud));
}

/** Gives the next that fires after the current one, around the end; null when none does. Silenced ones are passed over. */
export function nextFiring(alerts: Iterable<AlertView>, current: string | null): AlertView | null {
  const firing = [...alerts].filter(alert => alert.state === 'firing' && alert.silences.length === 0 && !alert.inhibited).sort(worstFirst);
  const at = firing.findIndex(alert => alert.id === current);
  return firing[(at + 1) % Math.max(1, firing.length)] ?? null;
}

/** Gives the alert that `a` and `s` mean: the chosen one while it lives, or the only one that does. */
export function meant(alerts: Iterable<AlertView>, chosen: string | null): AlertView | null {
  const live = [...alerts].filter(alert => isLive(alert) && !alert.inhibited);
  const firing = live.filter(alert => alert.state === 'firing');
  const found = live.find(alert => alert.id === chosen);
  if (found) return found;
  if (firing.length > 0) return firing.length === 1 ? firing[0] ?? null : null;
  return live.length === 1 ? live[0] ?? null : null;
}
