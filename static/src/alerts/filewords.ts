// What is said of the rules' file under the table: read without complaint, or each problem with its line.
import { shown } from '../data/names';
import { el, icon } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { RuleFile } from '../wire/rule';
import { moment } from './words';

/** Gives the nodes; empty while nothing is known of the file. `rules` are in force. */
export function fileWords(file: RuleFile | null, rules: number, now: number, texts: Texts): Node[] {
  if (!file) return [];
  const { file: words } = texts.alerts;
  const [path, read] = [shown(file.path), moment(file.read, now, texts)];
  if (file.problems.length === 0) return [el('p', {}, words.good(words.rules(rules, file.records), path, read))];
  const title = file.problems.length === 1 ? words.bad(path, read) : words.bads(file.problems.length, path, read);
  const lines = file.problems.map(problem => el('li', {}, el('b', {}, words.line(problem.line)), ' ', el('span', {}, shown(problem.message)),
    ...(problem.help === '' ? [] : [el('span', { class: 'text-2' }, ` ${shown(problem.help)}`)])));
  return [
    el('p', { class: 'problem' }, icon('i-wrong'), el('span', {}, title)), el('ul', { class: 'file-problems' }, ...lines), el('p', {}, words.old(words.rules(rules, file.records))),
  ];
}

/** Gives what is said of alerts that stand and are too many to be shown. */
export function moreWords(more: number, texts: Texts): Node[] {
  return more === 0 ? [] : [el('p', {}, texts.alerts.file.unshown(more))];
}
