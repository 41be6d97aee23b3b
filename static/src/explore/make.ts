// The dialogs that write a panel or a rule: its text stands below its fields, and is copied from there.
import { formatNumber } from '../format/number';
import { el, icon, need, write } from '../page/dom';
import { problemLine, sayProblem } from '../page/problem';
import type { Texts } from '../texts/texts';
import { isDuration, isTomlNumber, NAME_LETTERS_MAX, panelToml, ruleToml, UNIT_LETTERS_MAX, type PanelWish, type RuleWish } from './toml';

const SAID_MS = 1_500;

interface Field {
  readonly element: HTMLElement;
  readonly value: () => string;
}

/** What a form makes: its text, or what is wrong. */
type Made = { readonly text: string } | { readonly problem: string };

export class MakeDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #texts: Texts;

  constructor(root: ParentNode, texts: Texts) {
    this.#dialog = need('#make', root);
    this.#texts = texts;
  }

  /** Asks for what a panel needs beside its queries. */
  panel(exprs: readonly string[]): void {
    const { make: words } = this.#texts.explore;
    const [title, unit, kind] = [text('make-title-field', words.title, words.firstTitle), text('make-unit', words.unit, ''), choice('make-kind', words.kind, words.kinds)];
    this.#open(words.panelTitle, words.panelHow, [title, unit, kind], () => {
      const wish: PanelWish = { title: title.value(), unit: unit.value(), kind: kind.value() as PanelWish['kind'], exprs };
      if (exprs.length === 0) return { problem: words.needsQuery };
      return wish.title === '' ? { problem: words.needsTitle } : { text: panelToml(wish) };
    });
  }

  /** Asks for what a rule needs beside its query. */
  rule(expr: string): void {
    const { make: words } = this.#texts.explore;
    const [name, side, limit] = [text('make-name', words.name, words.firstName), choice('make-side', words.side, words.sides), text('make-limit', words.limit, '0')];
    const [severity, wait, unit] = [choice('make-severity', words.severity, words.severities), text('make-wait', words.wait, '5m', words.waitHint), text('make-unit', words.unit, '')];
    this.#open(words.ruleTitle, words.ruleHow, [name, side, limit, severity, wait, unit], () => {
      const wish: RuleWish = {
        name: name.value(), expr, side: side.value() as RuleWish['side'], limit: limit.value(), severity: severity.value() as RuleWish['severity'],
        wait: wait.value(), unit: unit.value(),
      };
      const problem = this.#wrong(wish);
      return problem === '' ? { text: ruleToml(wish) } : { problem };
    });
  }

  #wrong({ name, limit, wait, unit }: RuleWish): string {
    const { make: words } = this.#texts.explore;
    const count = (n: number): string => formatNumber(n, 0);
    if (name === '' || [...name].length > NAME_LETTERS_MAX) return words.needsName(count(NAME_LETTERS_MAX));
    if (!isTomlNumber(limit)) return words.needsLimit;
    if (wait !== '' && !isDuration(wait)) return words.needsWait;
    return [...unit].length > UNIT_LETTERS_MAX ? words.unitLong(count(UNIT_LETTERS_MAX)) : '';
  }

  #open(title: string, how: string, fields: readonly Field[], make: () => Made): void {
    write(need('h2', this.#dialog), title);
    const form = need<HTMLFormElement>('form', this.#dialog);
    const problem = problemLine();
    const pre = el('pre', { tabindex: '0', 'aria-label': 'TOML', 'data-toml': '' });
    const word = el('span', { role: 'status' }, this.#texts.explore.make.copy);
    const copy = el('button', { class: 'btn btn-primary', type: 'submit' }, icon('i-copy'), word);
    const fresh = el('form', { novalidate: '', 'data-make-form': '' }, el('div', { class: 'make-fields' }, ...fields.map(field => field.element)), problem, pre,
      el('p', { class: 'hint' }, how), el('div', { class: 'card-actions' }, copy));
    const show = (): Made => {
      const made = make();
      sayProblem(problem, 'problem' in made ? made.problem : '');
      pre.hidden = 'problem' in made;
      copy.disabled = 'problem' in made;
      if ('text' in made) write(pre, made.text);
      return made;
    };
    fresh.addEventListener('input', show);
    fresh.addEventListener('submit', event => {
      event.preventDefault();
      const made = show();
      if ('text' in made) void this.#copy(made.text, word);
    });
    form.replaceWith(fresh);
    show();
    this.#dialog.showModal();
    const first = fresh.querySelector('input');
    first?.focus();
    first?.select();
  }

  async #copy(text: string, word: HTMLElement): Promise<void> {
    await navigator.clipboard.writeText(text);
    write(word, this.#texts.copied);
    setTimeout(() => write(word, this.#texts.explore.make.copy), SAID_MS);
  }
}

function text(id: string, label: string, first: string, hint = ''): Field {
  const input = el('input', { class: 'input', type: 'text', id, autocomplete: 'off', ...(hint === '' ? {} : { placeholder: hint }) });
  input.value = first;
  return { element: el('div', { class: 'field' }, el('label', { for: id }, label), input), value: () => input.value.trim() };
}

function choice(id: string, label: string, options: ReadonlyMap<string, string>): Field {
  const select = el('select', { class: 'input', id, autocomplete: 'off' }, ...[...options].map(([value, words]) => el('option', { value }, words)));
  return { element: el('div', { class: 'field' }, el('label', { for: id }, label), select), value: () => select.value };
}
