// The card of an alert that is over.
import type { AlertState } from '../alerts/state';
import { shown } from '../data/names';
import { clock, duration } from '../format/time';
import { el, icon } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { AlertView, Severity } from '../wire/alert';
import { factsOf, timeOf, whereFact, type Fact } from './cardfacts';
import { extremeWords, heldWords, valueWords } from './cardwords';
import type { AlertMoment } from './event';

/** Gives the other severity at which the same series of the same rule fires, since before `at`; null where none does. */
export function firesBeside(alert: AlertView, at: number, all: Iterable<AlertView>): Severity | null {
  for (const other of all) {
    if (other.state === 'firing' && other.rule === alert.rule && other.severity !== alert.severity && other.since <= at && isSameSeries(other, alert)) return other.severity;
  }
  return null;
}

function isSameSeries(a: AlertView, b: AlertView): boolean {
  return a.labels.size === b.labels.size && [...a.labels].every(([name, value]) => name === 'severity' || b.labels.get(name) === value);
}

/** Gives what is said beside the name: of a rule with two limits, which of them is over, and whether the other one still is not. */
export function doneWords({ alert, at }: AlertMoment, alerts: Pick<AlertState, 'rules' | 'all'>, { talk }: Texts): string {
  const word = (severity: Severity): string => talk.severities.get(severity) ?? severity;
  const beside = firesBeside(alert, at, alerts.all());
  if (beside) return talk.isOverBut(word(alert.severity), word(beside));
  return (alerts.rules.get(alert.rule)?.limits.length ?? 1) > 1 ? talk.isOver(word(alert.severity)) : talk.resolvedWord;
}

/** Makes the card, with the value that the alert had when it resolved; `words` are `doneWords`. */
export function doneCard(event: AlertMoment, words: string, texts: Texts): HTMLElement {
  const { alert } = event;
  const { talk } = texts;
  const mark = icon('g-resolved');
  mark.classList.add('is-quiet');
  const from = alert.fired ?? alert.since;
  const head = el('h3', {}, el('span', { class: 'sr' }, talk.doneHead(talk.severities.get(alert.severity) ?? alert.severity)), shown(alert.name));
  return el('li', { class: 'card is-done', tabindex: '-1', 'data-severity': alert.severity },
    el('div', { class: 'card-head' }, mark, head, el('span', { class: 'text-3 small' }, words), timeOf(event.at)),
    el('div', { class: 'card-body' }, factsOf([
      whyFact(alert, texts), [talk.facts.limit, [heldWords(alert, texts)]], ...whereFact(alert, texts),
      [talk.facts.lasted, [talk.lasted(duration((alert.resolved ?? event.at) - from, texts.units), clock(from))]],
    ])));
}

/** What it was well at; what ended because its rule is another may be as bad as before. */
function whyFact(alert: AlertView, texts: Texts): Fact {
  const { talk } = texts;
  if (alert.edited) return [talk.facts.ended, [talk.edited]];
  const extreme = extremeWords(alert, texts);
  const value = valueWords(alert.value, alert, texts);
  return [talk.facts.value, [extreme === '' ? value : `${value}, ${extreme}`]];
}
