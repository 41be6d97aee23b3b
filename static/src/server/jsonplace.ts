// Where a text stops being JSON. Browsers say it each in their own words, and some say no place at all.

/** What was awaited at the place, or what is wrong there. */
export type JsonFault = 'empty' | 'value' | 'key' | 'colon' | 'comma' | 'trailing' | 'more' | 'end' | 'string' | 'control' | 'escape' | 'number' | 'exact';

export interface JsonProblem {
  readonly fault: JsonFault;
  /** Index in the text. */
  readonly at: number;
  /** Both from 1 on; a column is one character. */
  readonly line: number;
  readonly column: number;
}

/** What may come next. `or end` is right behind an opening bracket. */
type Awaited = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma' | 'nothing';

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const TOKEN_END = /[^\s,:[\]{}"]/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Fault = readonly [fault: JsonFault, at: number];

/** Gives the first problem of a text, or null for one that is JSON and is sent as it is written. */
export function jsonProblem(text: string): JsonProblem | null {
  const found = new Reader(text).read();
  if (!found) return null;
  const [fault, at] = found;
  const before = text.slice(0, at).split('\n');
  return { fault, at, line: before.length, column: [...(before.at(-1) ?? '')].length + 1 };
}

/** Goes once through the text, without recursion: brackets may be as deep as the text is long. */
class Reader {
  readonly #text: string;
  readonly #open: ('{' | '[')[] = [];
  #at = 0;
  #awaited: Awaited = 'value';

  constructor(text: string) {
    this.#text = text;
  }

  read(): Fault | null {
    if (this.#text.trim() === '') return ['empty', 0];
    for (;;) {
      this.#at += this.#match(SPACE)?.length ?? 0;
      const letter = this.#text[this.#at];
      if (letter === undefined) return this.#awaited === 'nothing' ? null : ['end', this.#at];
      const fault = this.#step(letter);
      if (fault) return fault;
    }
  }

  #step(letter: string): Fault | null {
    switch (this.#awaited) {
      case 'nothing': return ['more', this.#at];
      case 'colon': return letter === ':' ? this.#pass('value') : ['colon', this.#at];
      case 'comma': return this.#next(letter);
      case 'key or end':
        if (letter === '}') return this.#close();
        return letter === '"' ? this.#string('colon') : ['key', this.#at];
      case 'key': return letter === '"' ? this.#string('colon') : [letter === '}' ? 'trailing' : 'key', this.#at];
      case 'value or end':
        if (letter === ']') return this.#close();
        return this.#value(letter);
      case 'value':
        // Within a list a value is awaited behind a comma alone.
        return letter === ']' && this.#open.at(-1) === '[' ? ['trailing', this.#at] : this.#value(letter);
    }
  }

  #next(letter: string): Fault | null {
    const open = this.#open.at(-1);
    if (letter === ',') return this.#pass(open === '{' ? 'key' : 'value');
    if (letter === (open === '{' ? '}' : ']')) return this.#close();
    return ['comma', this.#at];
  }

  #value(letter: string): Fault | null {
    if (letter === '{' || letter === '[') {
      this.#open.push(letter);
      return this.#pass(letter === '{' ? 'key or end' : 'value or end');
    }
    if (letter === '"') return this.#string(this.#after());
    const word = this.#match(WORD);
    if (word !== null) return this.#token(word, 'value');
    const digits = this.#match(NUMBER);
    if (digits === null) return [/[-\d]/.test(letter) ? 'number' : 'value', this.#at];
    // It would be sent as another number.
    const isWhole = /^-?\d+$/.test(digits);
    if (!(isWhole ? Number.isSafeInteger : Number.isFinite)(Number(digits))) return ['exact', this.#at];
    return this.#token(digits, 'number');
  }

  #token(token: string, fault: JsonFault): Fault | null {
    const start = this.#at;
    this.#at += token.length;
    if (this.#match(TOKEN_END) !== null) return [fault, start];
    this.#awaited = this.#after();
    return null;
  }

  #string(then: Awaited): Fault | null {
    const start = this.#at++;
    for (;;) {
      const letter = this.#text[this.#at];
      if (letter === undefined || letter === '\n' || letter === '\r') return ['string', start];
      if (letter < ' ') return ['control', this.#at];
      if (letter === '"') return this.#pass(then);
      if (letter !== '\\') {
        this.#at++;
        continue;
      }
      const escape = this.#match(ESCAPE);
      if (escape === null) return ['escape', this.#at];
      this.#at += escape.length;
    }
  }

  #close(): null {
    this.#open.pop();
    return this.#pass(this.#after());
  }

  #pass(awaited: Awaited): null {
    this.#at++;
    this.#awaited = awaited;
    return null;
  }

  #after(): Awaited {
    return this.#open.length === 0 ? 'nothing' : 'comma';
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? null;
  }
}
