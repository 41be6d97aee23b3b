// Whether an alert of the time line still fires, by what came after it and by what the server says of it now.
import type { AlertView } from '../wire/alert';
import type { AlertMoment } from './event';

export type Phase =
  | { readonly kind: 'firing'; readonly alert: AlertView }
  /** Over since `resolved`, ms; null where nothing tells when. */
  | { readonly kind: 'over'; readonly resolved: number | null };

/**
 * How long the room may be ahead of the list of alerts, ms: they come over two channels, and another node may have fired
 * a little later than the one that wrote the event.
 */
const APART_MS = 15_000;

/** `ended` is the next event of the same alert, `now` what the server says of it; `known` whether it has said anything. */
export function phaseOf(event: AlertMoment, ended: AlertMoment | null, now: AlertView | undefined, known: boolean, time: number): Phase {
  if (ended) return { kind: 'over', resolved: ended.alert.state === 'resolved' ? ended.alert.resolved ?? ended.at : null };
  if (!known) return { kind: 'firing', alert: event.alert };
  if (now?.state === 'firing' && (now.fired ?? 0) <= event.at + APART_MS) return { kind: 'firing', alert: now };
  if (now?.state === 'resolved' && (now.resolved ?? 0) >= event.at) return { kind: 'over', resolved: now.resolved };
  return time - event.at < APART_MS ? { kind: 'firing', alert: event.alert } : { kind: 'over', resolved: null };
}
