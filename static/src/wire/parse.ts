// What comes from outside is unknown until it went through here.

export type Fields = Record<string, unknown>;

/** Tells whether a value is an object with fields, and not a list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const WORDS = new Map([['NaN', Number.NaN], ['+Inf', Infinity], ['-Inf', -Infinity]]);

/** Gives a sample's value; what is not there, and what is no number, is NaN. */
export function sample(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? WORDS.get(value) ?? Number.NaN : Number.NaN;
}

export type Labels = ReadonlyMap<string, string>;

/** Gives a label set. A Map, because its keys are chosen by whoever pushed. */
export function labels(value: unknown): Labels {
  const pairs: [string, string][] = [];
  if (isFields(value)) for (const [name, word] of Object.entries(value)) if (typeof word === 'string') pairs.push([name, word]);
  return new Map(pairs);
}
