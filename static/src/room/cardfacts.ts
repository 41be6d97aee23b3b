// Facts of a card, each a name and what is so.
import { labelWords } from '../alerts/words';
import { shown } from '../data/names';
import { clock, clockUtc } from '../format/time';
import { el } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { AlertView } from '../wire/alert';
import { runbookTitle } from './cardwords';
import { safeHref } from './markdown';
import { richLine } from './richtext';

export type Fact = readonly [string, readonly (Node | string)[]];

export function timeOf(at: number): HTMLElement {
  return el('time', { datetime: new Date(at).toISOString(), title: clockUtc(at) }, clock(at));
}

export function factsOf(facts: readonly Fact[]): HTMLElement {
  return el('dl', { class: 'card-facts' }, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, ...value)]));
}

export function whereFact(alert: AlertView, texts: Texts): Fact[] {
  const where = labelWords(alert.where);
  return where.length === 0 ? [] : [[texts.talk.facts.where, where.flatMap((one, i) => (i === 0 ? [el('code', {}, one)] : [' ', el('code', {}, one)]))]];
}

export function runbookFact(alert: AlertView, texts: Texts): Fact[] {
  const words = alert.runbook.trim();
  if (words === '') return [];
  const href = safeHref(words);
  const link = href === null ? richLine(words) : el('a', { href, rel: 'noopener noreferrer', target: '_blank' }, runbookTitle(shown(words)));
  return [[texts.talk.facts.runbook, [link]]];
}
