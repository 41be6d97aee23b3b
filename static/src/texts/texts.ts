import { en, type Texts } from './en';

export type { Texts };

const CATALOGUES: ReadonlyMap<string, Texts> = new Map([['en', en]]);

/** Gives the words of a language, English for one that there is no catalogue of. */
export function textsOf(lang: string): Texts {
  return CATALOGUES.get(lang) ?? en;
}
