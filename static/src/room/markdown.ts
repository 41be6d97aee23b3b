// The small markup of messages: text becomes a tree of what may be drawn, and nothing else. Markup that is not known, or
// does not close, stays text. Source: CommonMark, as far as a message needs it.

export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'em'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly children: readonly Inline[] }
  | { readonly kind: 'break' };

export type Block =
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly start: number; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'quote'; readonly children: readonly Block[] };

/** How deep markup may lie in markup; what is deeper stays text. */
const DEPTH_MAX = 4;

const FENCE = /^ {0,3}```/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^ {0,3}(?:[-*+]|(\d{1,4})[.)]) +(?=\S)/;
const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

export function parseBlocks(source: string, depth = 0): Block[] {
  const lines = source.replaceAll(/\r\n?/g, '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  const run = (matches: (line: string) => boolean): string[] => {
    const from = at;
    while (at < lines.length && matches(lines[at] ?? '')) at++;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at++;
    } else if (FENCE.test(line)) {
      at++;
      blocks.push({ kind: 'code', text: run(one => !FENCE.test(one)).join('\n') });
      at++;
    } else if (QUOTE.test(line) && depth < DEPTH_MAX) {
      blocks.push({ kind: 'quote', children: parseBlocks(run(one => QUOTE.test(one)).map(one => one.replace(QUOTE, '')).join('\n'), depth + 1) });
    } else if (ITEM.test(line)) {
      const number = ITEM.exec(line)?.[1];
      const items = run(one => ITEM.test(one) && (ITEM.exec(one)?.[1] !== undefined) === (number !== undefined));
      blocks.push({ kind: 'list', ordered: number !== undefined, start: Number(number ?? 1), items: items.map(one => parseInline(one.replace(ITEM, ''))) });
    } else {
      at++;
      const rest = run(one => one.trim() !== '' && !FENCE.test(one) && !QUOTE.test(one) && !ITEM.test(one));
      blocks.push({ kind: 'paragraph', children: parseInline([line, ...rest].join('\n')) });
    }
  }
  return blocks;
}

export function parseInline(source: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  let plain = '';
  let at = 0;
  while (at < source.length) {
    const piece = pieceAt(source, at, depth);
    if (piece === null) {
      plain += source[at] ?? '';
      at++;
      continue;
    }
    if (piece.node.kind === 'text') {
      plain += piece.node.text;
    } else {
      if (plain !== '') found.push({ kind: 'text', text: plain });
      plain = '';
      found.push(piece.node);
    }
    at = piece.end;
  }
  if (plain !== '') found.push({ kind: 'text', text: plain });
  return found;
}

interface Piece {
  readonly node: Inline;
  readonly end: number;
}

/** Reads the markup that begins here, or gives null where there is none. */
function pieceAt(source: string, at: number, depth: number): Piece | null {
  switch (source[at]) {
    case '\n': return { node: { kind: 'break' }, end: at + 1 };
    case '\\': return /[\\`*[\]()>_-]/.test(source[at + 1] ?? '') ? { node: { kind: 'text', text: source[at + 1] ?? '' }, end: at + 2 } : null;
    case '`': return codeAt(source, at);
    case '*': return depth < DEPTH_MAX ? emphasisAt(source, at, depth) : null;
    case '[': return depth < DEPTH_MAX ? linkAt(source, at, depth) : null;
    case 'h': case 'H': case 'm': case 'M': return bareLinkAt(source, at);
    default: return null;
  }
}

function codeAt(source: string, at: number): Piece | null {
  let ticks = 1;
  while (source[at + ticks] === '`') ticks++;
  const from = at + ticks;
  const end = source.indexOf('`'.repeat(ticks), from);
  if (end <= from) return { node: { kind: 'text', text: '`'.repeat(ticks) }, end: from };
  return { node: { kind: 'code', text: source.slice(from, end).replaceAll('\n', ' ') }, end: end + ticks };
}

function emphasisAt(source: string, at: number, depth: number): Piece | null {
  const mark = source[at + 1] === '*' ? '**' : '*';
  const from = at + mark.length;
  if (/\s|^$/.test(source[from] ?? '')) return null;
  for (let end = source.indexOf(mark, from); end > 0; end = source.indexOf(mark, end + 1)) {
    const closes = end > from && !/\s/.test(source[end - 1] ?? '') && source[end + mark.length] !== '*';
    if (!closes) continue;
    return { node: { kind: mark === '**' ? 'strong' : 'em', children: parseInline(source.slice(from, end), depth + 1) }, end: end + mark.length };
  }
  return null;
}

/** `[words](address)`: words without links in them, an address without spaces. */
function linkAt(source: string, at: number, depth: number): Piece | null {
  const middle = source.indexOf('](', at);
  if (middle <= at + 1) return null;
  const end = source.indexOf(')', middle);
  const href = end < 0 ? null : safeHref(source.slice(middle + 2, end));
  const words = source.slice(at + 1, middle);
  if (href === null || /[[\]\n]/.test(words)) return null;
  const children = parseInline(words, depth + 1);
  return { node: { kind: 'link', href, children: children.every(child => child.kind !== 'link') ? children : [{ kind: 'text', text: words }] }, end: end + 1 };
}

const BARE = /(?:https?:\/\/|mailto:)[^\s<>"`]+/iy;
const TRAILING = /[.,;:!?'"*\])}]$/;

function bareLinkAt(source: string, at: number): Piece | null {
  if (/[\p{L}\p{N}_]/u.test(source[at - 1] ?? ' ')) return null;
  BARE.lastIndex = at;
  let words = BARE.exec(source)?.[0] ?? '';
  while (TRAILING.test(words) && !(words.endsWith(')') && words.includes('('))) words = words.slice(0, -1);
  const href = safeHref(words);
  return href === null ? null : { node: { kind: 'link', href, children: [{ kind: 'text', text: words }] }, end: at + words.length };
}

/** Gives an address that a message may link to, or null: whole ones to the web or to mail. */
export function safeHref(words: string): string | null {
  if (!/^(?:https?:\/\/|mailto:)[^\s\p{Cc}\p{Cf}<>"]+$/iu.test(words)) return null;
  try {
    const url = new URL(words);
    return SCHEMES.has(url.protocol) && (url.protocol === 'mailto:' || url.hostname !== '') ? url.href : null;
  } catch {
    return null;
  }
}
