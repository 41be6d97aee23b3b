// Says once what newly fires: a tone for what is critical, words for who does not see the page.
import { shown } from '../data/names';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import { Newsreader } from './news';
import type { Tone } from './tone';
import { measuredWords } from './words';

export class Announcer {
  readonly #region: Element | null;
  readonly #tone: Pick<Tone, 'sound'>;
  readonly #texts: Texts;
  readonly #news = new Newsreader();

  /** `region` is a live one; null where the time line of a room announces. */
  constructor(region: Element | null, tone: Pick<Tone, 'sound'>, texts: Texts) {
    this.#region = region;
    this.#tone = tone;
    this.#texts = texts;
  }

  read(alerts: Iterable<AlertView>): void {
    const { fired, resolved } = this.#news.read(alerts);
    if (fired.some(alert => alert.severity === 'critical')) this.#tone.sound();
    const { announce, severities } = this.#texts.alerts;
    const words = [
      ...fired.map(alert => announce.firing(shown(alert.name), severities[alert.severity], measuredWords(alert, alert.value, this.#texts))),
      ...resolved.map(alert => (alert.edited ? announce.edited : announce.resolved)(shown(alert.name))),
    ];
    if (words.length > 0 && this.#region) this.#region.textContent = words.join('. ');
  }
}
