// What lasts over a reload, as long as the tab or as long as the device. A browser may forbid it: then it lasts as long as the page.
import { keepChoice, readChoice } from '../page/choice';
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

export function deviceKeep(name: string): Keep {
  return { read: () => readChoice(name), write: text => keepChoice(name, text) };
}
