// One query's editor. It lives in a shadow tree: there its styles are constructed sheets, which the policy of the page
// allows, where a document would get an element `style`, which it does not.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec, type Transaction } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import type { Place } from '../format/marked';
import { el } from '../page/dom';
import { EDITOR_THEME } from './editortheme';
import type { Names } from './names';
import { EXPR_LETTERS_MAX } from './state';

export interface EditorActs {
  readonly run: () => void;
  readonly changed: () => void;
  /** Gives the keys back to the page. */
  readonly leave: () => void;
}

export interface EditorWords {
  readonly label: string;
  readonly hint: string;
  readonly phrases: Readonly<Record<string, string>>;
}

/** A series' colour as text: those are for lines, and too faint for letters. */
const letters = (series: number): string => `color-mix(in oklab, var(--series-${series}) 60%, var(--text))`;

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--text)', fontWeight: '600' },
  { tag: [tags.function(tags.variableName), tags.operatorKeyword], color: letters(1) },
  { tag: tags.modifier, color: letters(1) },
  { tag: tags.labelName, color: letters(2) },
  { tag: tags.string, color: letters(3) },
  { tag: tags.number, color: letters(4) },
  { tag: tags.comment, color: 'var(--text-3)', fontStyle: 'italic' },
]);

/** Gives where a place is in a text; columns count characters, a letter outside of the first plane is one. Past the end is the end. */
export function offsetOf(text: string, { line, column }: Place): number {
  const lines = text.split('\n');
  const at = lines[Math.min(line, lines.length) - 1] ?? '';
  const before = lines.slice(0, Math.min(line, lines.length) - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return line > lines.length ? text.length : before + [...at].slice(0, column - 1).join('').length;
}

/**
 * Types over what is chosen. A browser that does that by itself keeps the look of the letters that go, by a style in the
 * markup, which the policy of the page refuses.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  const { from, to, empty } = view.state.selection.main;
  const { data } = event;
  if (event.inputType !== 'insertText' || event.isComposing || data === null || empty) return false;
  event.preventDefault();
  const insert = (): Transaction => view.state.update(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true });
  if (!view.state.facet(EditorView.inputHandler).some(handler => handler(view, from, to, data, insert))) view.dispatch(insert());
  return true;
}

export class Editor {
  readonly element: HTMLElement;
  readonly #view: EditorView;

  constructor(text: string, words: EditorWords, names: Names, acts: EditorActs) {
    this.element = el('div', { class: 'editor' });
    const root = this.element.attachShadow({ mode: 'open', delegatesFocus: true });
    const promql = new PromQLExtension().activateLinter(false).setComplete({ remote: names, maxMetricsMetadata: EXPR_LETTERS_MAX });
    const run = (): boolean => {
      acts.run();
      return true;
    };
    const runNow = (view: EditorView): boolean => {
      closeCompletion(view);
      return run();
    };
    const leave = (): boolean => {
      acts.leave();
      return true;
    };
    this.#view = new EditorView({
      root, parent: root,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.high(keymap.of([
            { key: 'Mod-Enter', run: runNow }, { key: 'Shift-Enter', run: insertNewlineAndIndent }, { key: 'Enter', run: acceptCompletion }, { key: 'Enter', run },
          ])),
          history(), bracketMatching(), closeBrackets(), autocompletion({ icons: false, maxRenderedOptions: 100 }), promql.asExtension(),
          syntaxHighlighting(COLOURS), EDITOR_THEME, EditorView.lineWrapping, placeholder(words.hint), EditorState.phrases.of(words.phrases),
          keymap.of([...closeBracketsKeymap, ...historyKeymap, ...defaultKeymap, { key: 'Escape', run: leave }]),
          EditorView.contentAttributes.of({ 'aria-label': words.label, autocapitalize: 'off', spellcheck: 'false' }),
          EditorState.changeFilter.of(change => change.newDoc.length <= EXPR_LETTERS_MAX),
          EditorView.domEventHandlers({ beforeinput: typeOver }),
          EditorView.updateListener.of(update => { if (update.docChanged) acts.changed(); }),
        ],
      }),
    });
  }

  stop(): void {
    this.#view.destroy();
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  focus(): void {
    this.#view.focus();
  }

  /** Says what the field is called: its letter changes with the rows before it. */
  name(label: string): void {
    this.#view.contentDOM.setAttribute('aria-label', label);
  }

  /** Goes to a place. */
  go(place: Place): void {
    const at = offsetOf(this.text, place);
    this.#view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
    this.focus();
  }

  /** Writes at the cursor, in place of what is chosen. */
  insert(words: string): void {
    this.#view.dispatch(this.#view.state.replaceSelection(words));
    this.focus();
  }

  /** Marks the character where the query is wrong; null takes the mark away. */
  mark(problem: { readonly place: Place; readonly text: string } | null): void {
    const { state } = this.#view;
    const from = problem ? Math.min(offsetOf(this.text, problem.place), state.doc.length) : 0;
    // At the end of the text, the last character carries the mark.
    const start = Math.max(0, from === state.doc.length ? from - 1 : from);
    const letter = String.fromCodePoint(this.text.codePointAt(start) ?? 32);
    const diagnostics = problem === null ? [] : [{ from: start, to: Math.min(state.doc.length, start + letter.length), severity: 'error' as const, message: problem.text }];
    this.#view.dispatch(setDiagnostics(state, diagnostics));
    this.#view.contentDOM.setAttribute('aria-invalid', String(problem !== null));
  }
}
