// Buttons that copy what stands before them.
import { write } from './dom';

const SAID_MS = 1_500;

export function startCopying(root: ParentNode, copied: string): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>('[data-copies]')) {
    const word = button.querySelector('span');
    const before = word?.textContent ?? '';
    button.addEventListener('click', () => {
      void navigator.clipboard.writeText(button.parentElement?.querySelector('pre')?.textContent ?? '').then(() => {
        write(word, copied);
        setTimeout(() => write(word, before), SAID_MS);
      });
    });
  }
}
