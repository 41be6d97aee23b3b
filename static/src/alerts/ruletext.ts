// The text of one rule: what it says, what to do, and how it stands in the file.
import { lined, shown } from '../data/names';
import { duration } from '../format/time';
import { el } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { RuleView } from '../wire/rule';
import { prose } from './prose';
import { plainNote } from '../data/notes';
import { goesTo } from './rulewords';
import { limitWords } from './words';

/** Gives an address that may stand in a link: http, https, or one of this server; null for all others. */
export function safeHref(address: string): string | null {
  if (/^\/(?!\/)/.test(address)) return address;
  try {
    const { protocol } = new URL(address);
    return protocol === 'http:' || protocol === 'https:' ? address : null;
  } catch {
    return null;
  }
}

/** Gives the nodes of the pane. */
export function ruleText(rule: RuleView, path: string, titles: ReadonlyMap<string, string>, texts: Texts): Node[] {
  const { side, severities } = texts.alerts;
  const fact = (name: string, value: string): Node[] => (value === '' ? [] : [el('dt', {}, name), el('dd', {}, value)]);
  const limits = rule.limits.map(limit => `${limitWords(limit, rule.unit, texts)}${rule.limits.length > 1 ? ` ${severities[limit.severity]}` : ''}`).join(', ');
  const expr = [el('dt', {}, side.expression), el('dd', {}, el('pre', {}, lined(rule.expr.trim())))];
  const doubts = rule.notes.length === 0 ? [] : [el('dt', {}, side.doubts), el('dd', {}, ...rule.notes.map(note => el('p', {}, lined(plainNote(note)))))];
  const facts = el('dl', { class: 'card-facts' }, ...expr, ...doubts, ...fact(side.limit, limits), ...fact(side.for, rule.for > 0 ? duration(rule.for, texts.units) : texts.alerts.atOnce),
    ...fact(side.keep, rule.keepFiring > 0 ? duration(rule.keepFiring, texts.units) : ''), ...fact(side.goes, goesTo(rule, titles, texts)));
  return [
    ...(rule.error === null ? [] : [el('p', { class: 'problem rule-error' }, lined(rule.error))]),
    ...(rule.summary === '' ? [] : [el('p', { class: 'strong' }, ...prose(rule.summary))]),
    ...(rule.description === '' ? [] : [el('p', { class: 'rule-says' }, ...prose(rule.description))]),
    facts,
    ...(rule.text === '' ? [] : [el('div', { class: 'snippet' }, el('pre', { tabindex: '0', 'aria-label': side.line(path, rule.line) }, lined(rule.text))), el('p', { class: 'hint' }, side.line(shown(path), rule.line))]),
  ];
}
