// The little that is needed to write a page by script. Words reach it as text, never as markup.

type Content = Node | string;

/** Makes an element; `class` and other attributes as given, children appended as nodes or as text. */
export function el<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Readonly<Record<string, string>> = {}, ...children: readonly Content[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(name: string, attributes: Readonly<Record<string, string>>, ...children: readonly Node[]): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const SPRITE = '/assets/icons.svg';
let spriteHere = false;

/** Takes the sprite into the page: icons that appear while the server is away need it most. */
export async function takeSprite(): Promise<void> {
  const reply = await fetch(SPRITE);
  if (!reply.ok) return;
  const sprite = new DOMParser().parseFromString(await reply.text(), 'image/svg+xml').documentElement;
  sprite.setAttribute('hidden', '');
  document.body.append(document.adoptNode(sprite));
  spriteHere = true;
}

/** Gives the address of an icon of the sprite. */
export function iconHref(id: string): string {
  return `${spriteHere ? '' : SPRITE}#${id}`;
}

/** An icon of the sprite: `i-…` are lines, `g-…` filled shapes. */
export function icon(id: string): SVGElement {
  return svg('svg', { class: id.startsWith('g-') ? 'glyph' : 'icon', 'aria-hidden': 'true' }, svg('use', { href: iconHref(id) }));
}

/** A bar of a share 0 to 1: lengths are attributes, because styles in markup are not allowed. */
export function bar(share: number, fill: string): SVGElement {
  const inner = svg('rect', { class: fill, width: percent(share), height: '6', rx: '1' });
  return svg('svg', { class: 'bar', 'aria-hidden': 'true' }, svg('rect', { class: 'track', width: '100%', height: '6', rx: '1' }), inner);
}

export function setBar(element: SVGElement, share: number): void {
  element.lastElementChild?.setAttribute('width', percent(share));
}

function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * 100).toFixed(1)}%`;
}

/** Writes a text only when it is another: what does not change costs no layout. */
export function write(node: Node | null | undefined, words: string): void {
  if (node && node.textContent !== words) node.textContent = words;
}

/** Gives an element of the page that the template always writes. */
export function need<E extends Element = HTMLElement>(selector: string, root: ParentNode = document): E {
  const found = root.querySelector<E>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}
