// What lasts as long as the tab, over a reload. A browser may forbid it: then it lasts as long as the page.
import type { Keep } from './outbox';

const PREFIX = 'watchroom.';

export function tabKeep(name: string): Keep {
  return {
    read() {
      try {
        return sessionStorage.getItem(PREFIX + name);
      } catch {
        return null;
      }
    },
    write(text) {
      try {
        if (text === '') sessionStorage.removeItem(PREFIX + name);
        else sessionStorage.setItem(PREFIX + name, text);
      } catch {
        // Nothing to be done: it is held by the page.
      }
    },
  };
}
