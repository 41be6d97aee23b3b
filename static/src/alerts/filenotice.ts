// The line under the top bar when the rules' file cannot be read as it is; gone when it is good again.
import { shown } from '../data/names';
import { el, icon } from '../page/dom';
import type { Texts } from '../texts/texts';
import type { RuleFile } from '../wire/rule';

export class FileNotice {
  readonly #box: HTMLElement;
  readonly #texts: Texts;
  #line: HTMLElement | null = null;
  #said = '';

  constructor(box: HTMLElement, texts: Texts) {
    this.#box = box;
    this.#texts = texts;
  }

  show(file: RuleFile | null): void {
    const first = file?.problems[0];
    const said = file && first ? JSON.stringify([file.path, file.problems]) : '';
    if (said === this.#said) return;
    this.#said = said;
    this.#line?.remove();
    this.#line = null;
    if (!file || !first) return;
    const { file: words } = this.#texts.alerts;
    const more = file.problems.length - 1;
    this.#line = el('div', { class: 'notice', role: 'status', 'data-notice': 'rules' }, icon('i-wrong'),
      el('span', {}, el('b', {}, words.noticeTitle(shown(file.path))), ' ', `${words.notice(first.line, shown(first.message))}${more > 0 ? words.more(more) : ''}`));
    if (location.pathname !== '/alerts') this.#line.append(el('a', { class: 'btn', href: '/alerts' }, words.see));
    this.#box.append(this.#line);
  }
}
