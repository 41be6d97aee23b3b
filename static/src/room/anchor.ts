// What is read stays where it is while rows join or go above it.

/** A row that is read, and how far below the top of the box it stands, px. */
export interface Anchor {
  readonly key: string;
  readonly top: number;
}

type ElementOf = (key: string) => HTMLElement | undefined;

/** Gives the first row that is in sight or below, of those that will be here and keep their place; the last one where none is. */
export function anchorOf(box: Element, rows: readonly { readonly key: string; readonly isPlaced: boolean }[], elementOf: ElementOf): Anchor | null {
  const top = box.getBoundingClientRect().top;
  let found: Anchor | null = null;
  for (const { key, isPlaced } of rows) {
    const at = isPlaced ? elementOf(key)?.getBoundingClientRect() : undefined;
    if (!at) continue;
    found = { key, top: at.top - top };
    if (at.bottom > top) break;
  }
  return found;
}

/** Scrolls so that it stands there again. */
export function restore(box: Element, { key, top }: Anchor, elementOf: ElementOf): void {
  const element = elementOf(key);
  if (element) box.scrollTop += element.getBoundingClientRect().top - box.getBoundingClientRect().top - top;
}
