// What was chosen on this device. A browser may forbid to keep anything: then it lasts as long as the page.

const PREFIX = 'watchroom.';

export function readChoice(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function keepChoice(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Nothing to be done: the choice holds for this page.
  }
}
