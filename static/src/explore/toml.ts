// A panel of a dashboard's file, and a rule of alerts.toml, from what is on the page.

/** Writes a text as a TOML string on one line, or on more where it has more; literal where that is possible, because queries have many quotes. */
export function tomlText(text: string): string {
  const isPrintable = !/[\u0000-\u0008\u000b-\u001f\u007f\r]/.test(text);
  if (isPrintable && !/['\n]/.test(text)) return /["\\\t]/.test(text) ? `'${text}'` : `"${text}"`;
  if (isPrintable && !text.includes("'''") && !text.endsWith("'")) return `'''${text.includes('\n') ? `\n${text}` : text}'''`;
  return `"${[...text].map(escaped).join('')}"`;
}

function escaped(letter: string): string {
  if (letter === '"' || letter === '\\') return `\\${letter}`;
  if (letter === '\n') return '\\n';
  const code = letter.codePointAt(0) ?? 0;
  return code < 32 || code === 127 ? `\\u${code.toString(16).padStart(4, '0')}` : letter;
}

/** Letters of an id: it is part of links. */
const ID_LETTERS_MAX = 64;

/** Makes an id of a title: letters, digits and `-`. */
export function idOf(title: string): string {
  const id = title.toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, ID_LETTERS_MAX).replace(/-+$/, '');
  return id === '' ? 'panel' : id;
}

export interface PanelWish {
  readonly title: string;
  readonly unit: string;
  readonly kind: 'line' | 'stack' | 'stat';
  readonly exprs: readonly string[];
}

/** Writes a `[[panel]]`, as docs/dashboards.md has it. */
export function panelToml({ title, unit, kind, exprs }: PanelWish): string {
  const lines = ['[[panel]]', `id = "${idOf(title)}"`, `title = ${tomlText(title)}`, ...(unit === '' ? [] : [`unit = ${tomlText(unit)}`]), `kind = "${kind}"`];
  for (const expr of exprs) lines.push('[[panel.query]]', `expr = ${tomlText(expr)}`);
  return `${lines.join('\n')}\n`;
}

export type Severity = 'warning' | 'critical';

export interface RuleWish {
  readonly name: string;
  readonly expr: string;
  readonly side: 'above' | 'below';
  /** The threshold as it was written: a number. */
  readonly limit: string;
  readonly severity: Severity;
  /** Such as `5m`; empty for at once. */
  readonly wait: string;
  readonly unit: string;
}

/** Most letters of a rule's name, and of its unit. */
export const NAME_LETTERS_MAX = 120;
export const UNIT_LETTERS_MAX = 16;

/** Writes a `[[rule]]`, as docs/alerts.md has it. */
export function ruleToml({ name, expr, side, limit, severity, wait, unit }: RuleWish): string {
  return `${[
    '[[rule]]', `name = ${tomlText(name)}`, `expr = ${tomlText(expr)}`, `${side} = { ${severity} = ${limit} }`,
    ...(wait === '' ? [] : [`for = "${wait}"`]), ...(unit === '' ? [] : [`unit = ${tomlText(unit)}`]),
  ].join('\n')}\n`;
}

/** Tells whether a text is a number as TOML writes it. */
export function isTomlNumber(text: string): boolean {
  return /^[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text));
}

/** Tells whether a text is a duration of a rule, such as `90s` or `1h30m`. */
export function isDuration(text: string): boolean {
  return /^(\d+(ms|[smhdw]))+$/.test(text);
}
