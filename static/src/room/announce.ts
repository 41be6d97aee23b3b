// Says once that an alert fires, to who does not see the page.
import { shown } from '../data/names';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import { valueWords } from './cardwords';

/** Writes it into an assertive region. A silence, and what is worse already, hold it back. */
export function announceFiring(alert: AlertView, region: HTMLElement, texts: Texts): void {
  if (alert.state !== 'firing' || alert.silences.length > 0 || alert.inhibited) return;
  region.textContent = texts.alerts.announce.firing(shown(alert.name), texts.alerts.severities[alert.severity], valueWords(alert.value, alert, texts));
}
