// Draws the tree of a message: elements by name from a closed list, words as text.
import { el } from '../page/dom';
import { parseBlocks, parseInline, type Block, type Inline } from './markdown';

/** Characters that turn the order of text around: they are written as their numbers. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

function calm(words: string): string {
  return words.replaceAll(TURNING, one => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

function inline(node: Inline): Node | string {
  switch (node.kind) {
    case 'text': return calm(node.text);
    case 'code': return el('code', {}, calm(node.text));
    case 'strong': return el('b', {}, ...node.children.map(inline));
    case 'em': return el('em', {}, ...node.children.map(inline));
    case 'link': return el('a', { href: node.href, rel: 'noopener noreferrer', target: '_blank' }, ...node.children.map(inline));
    case 'break': return el('br');
  }
}

function block(node: Block): HTMLElement {
  switch (node.kind) {
    case 'paragraph': return el('p', { dir: 'auto' }, ...node.children.map(inline));
    case 'code': return el('pre', { tabindex: '0' }, el('code', {}, calm(node.text)));
    case 'quote': return el('blockquote', {}, ...node.children.map(block));
    case 'list': {
      const items = node.items.map(item => el('li', { dir: 'auto' }, ...item.map(inline)));
      return node.ordered ? el('ol', { start: `${node.start}` }, ...items) : el('ul', {}, ...items);
    }
  }
}

/** Gives a message as it is drawn. */
export function richText(source: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...parseBlocks(source).map(block));
  return fragment;
}

/** Gives a line with its links, and no blocks. */
export function richLine(source: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...parseInline(source).map(inline));
  return fragment;
}
