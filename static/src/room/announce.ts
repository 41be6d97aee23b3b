// Says once that an alert fires, to who does not see the page.
import { shown } from '../data/names';
import type { Texts } from '../texts/texts';
import { valueWords } from './cardwords';
import type { AlertEvent } from './event';

/** What is older is not news: it was recovered after an outage, ms. */
const NEWS_MS = 60_000;

/** Writes it into an assertive region. A silence, and what is worse already, hold it back. */
export function announceFiring({ alert, at }: AlertEvent, now: number, region: HTMLElement, texts: Texts): void {
  if (now - at > NEWS_MS || alert.state !== 'firing' || alert.silences.length > 0 || alert.inhibited) return;
  region.textContent = texts.alerts.announce.firing(shown(alert.name), texts.alerts.severities[alert.severity], valueWords(alert.value, alert, texts));
}
