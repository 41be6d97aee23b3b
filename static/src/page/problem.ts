// The line of a form that says what is wrong with it.
import { el, write } from './dom';

export function problemLine(): HTMLElement {
  const line = el('p', { class: 'problem', role: 'alert' });
  line.hidden = true;
  return line;
}

export function sayProblem(line: HTMLElement, words: string): void {
  line.hidden = words === '';
  write(line, words);
}
