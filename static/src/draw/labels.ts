// Where words find room on a plot: none over another, none over the lines.

/** A rectangle, pixels. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Gives the first of some places that meets nothing that is taken and that no line crosses; failing that, one without other words. */
export function freeBox(places: readonly Box[], taken: readonly Box[], crossed: (box: Box) => boolean): { box: Box; clear: boolean } | null {
  const open = places.filter(box => !taken.some(other => meet(box, other)));
  const clear = open.find(box => !crossed(box));
  if (clear) return { box: clear, clear: true };
  return open[0] ? { box: open[0], clear: false } : null;
}

/** A point of a line: its place, and whether it has none. */
interface Spot {
  readonly x: number;
  readonly y: number;
  readonly skip?: boolean;
}

/** Tells whether a line, its points ordered from left to right, passes through a box. */
export function crosses(line: readonly Spot[], box: Box): boolean {
  for (let i = firstFrom(line, box.left); i < line.length; i++) {
    const [before, at] = [line[i - 1], line[i]];
    if (!at) break;
    if (at.skip !== true) {
      const from = before && before.skip !== true ? before : at;
      const [top, bottom] = [Math.min(from.y, at.y), Math.max(from.y, at.y)];
      if (bottom >= box.top && top <= box.bottom && at.x >= box.left && from.x <= box.right) return true;
    }
    if (at.x > box.right) break;
  }
  return false;
}

function firstFrom(line: readonly Spot[], x: number): number {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line[middle]?.x ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A stretch on the plot, pixels, and how wide its words are. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

const WORD_GAP = 5;
const LINE_PX = 14;

/**
 * Gives where the words of stretches stand, at a height: beside their own, clear of all others and of lines, or else within
 * it; null where there is no room.
 */
export function wordsOfStretches(stretches: readonly Stretch[], edges: { left: number; right: number; top: number }, crossed: (box: Box) => boolean): (Box | null)[] {
  const { top } = edges;
  const bottom = top + LINE_PX;
  const said: Box[] = [];
  const taken: Box[] = stretches.map(({ from, to }) => ({ left: from, right: to, top, bottom }));
  return stretches.map(({ from, to, width }) => {
    const right = { left: to + WORD_GAP, right: to + WORD_GAP + width, top, bottom };
    const left = { left: from - WORD_GAP - width, right: from - WORD_GAP, top, bottom };
    const places = [right, left].filter(box => box.left >= edges.left && box.right <= edges.right);
    const middle = (Math.max(from, edges.left) + Math.min(to, edges.right) - width) / 2;
    const within = { left: middle, right: middle + width, top, bottom };
    const beside = freeBox(places, [...taken, ...said], crossed);
    const found = beside?.clear ? beside : to - from < width + 4 * WORD_GAP ? null : freeBox([within], said, crossed);
    if (!found?.clear) return null;
    said.push({ ...found.box, left: found.box.left - WORD_GAP, right: found.box.right + WORD_GAP });
    return found.box;
  });
}
