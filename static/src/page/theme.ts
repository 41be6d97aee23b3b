// The theme button: the system's, dark, light, and around.
import type { Texts } from '../texts/texts';
import { keepChoice } from './choice';

const THEMES = ['system', 'dark', 'light'] as const;
type Theme = (typeof THEMES)[number];

export class ThemeButton {
  readonly #buttons: readonly HTMLElement[];
  readonly #texts: Texts;
  readonly #changed: () => void;
  readonly #stop = new AbortController();

  constructor(root: Document, texts: Texts, changed: () => void) {
    this.#buttons = [...root.querySelectorAll<HTMLElement>('[data-theme-next]')];
    this.#texts = texts;
    this.#changed = changed;
  }

  start(): void {
    const { signal } = this.#stop;
    for (const button of this.#buttons) button.addEventListener('click', () => this.next(), { signal });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#changed(), { signal });
    this.#say();
  }

  stop(): void {
    this.#stop.abort();
  }

  next(): void {
    const next = THEMES[(THEMES.indexOf(this.#worn()) + 1) % THEMES.length] ?? 'system';
    if (next === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = next;
    keepChoice('theme', next);
    this.#say();
    this.#changed();
  }

  #worn(): Theme {
    return THEMES.find(theme => theme === document.documentElement.dataset['theme']) ?? 'system';
  }

  #say(): void {
    const words = this.#texts.theme(this.#texts.themes.get(this.#worn()) ?? this.#worn());
    for (const button of this.#buttons) {
      button.setAttribute('aria-label', words);
      button.title = words;
    }
  }
}
