// A message that is being written: how it is kept over a reload, and how long it may be. Pure.
import { isFields, text } from '../wire/parse';
import { pinOf, type Pin } from './event';

/** Most characters of a message; the server counts the same. */
export const TEXT_MAX = 4_000;

export interface Draft {
  readonly text: string;
  readonly pin: Pin | null;
}

/** Gives how many characters are left; negative when there are too many. Characters are code points, as the server's. */
export function roomLeft(words: string): number {
  return TEXT_MAX - [...words].length;
}

export function draftText(words: string, pin: Pin | null): string {
  return words === '' && pin === null ? '' : JSON.stringify({ text: words, pin });
}

export function draftOf(kept: string | null): Draft {
  try {
    const parsed: unknown = JSON.parse(kept ?? '');
    return isFields(parsed) ? { text: text(parsed['text']), pin: pinOf(parsed['pin']) } : { text: '', pin: null };
  } catch {
    return { text: '', pin: null };
  }
}
