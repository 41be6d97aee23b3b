// Fills between two lines, or between a line and zero.

/** A drawn point: Chart.js's own element. */
export interface Spot {
  x: number;
  y: number;
  skip?: boolean;
}

/** Gives the points that have no neighbour on either side. */
export function lonely(spots: readonly Spot[]): Spot[] {
  const there = (i: number): boolean => spots[i] !== undefined && spots[i]?.skip !== true;
  return spots.filter((_, i) => there(i) && !there(i - 1) && !there(i + 1));
}

/** Fills run by run: a point without a value ends a run, so that a gap stays empty. */
export function fillBelow(g: CanvasRenderingContext2D, upper: readonly Spot[], lower: readonly Spot[] | null, zero: number): void {
  let start = -1;
  for (let i = 0; i <= upper.length; i++) {
    const spot = upper[i];
    const there = spot !== undefined && spot.skip !== true;
    if (there && start < 0) start = i;
    if (there || start < 0) continue;
    fillRun(g, upper, lower, zero, start, i);
    start = -1;
  }
}

function fillRun(g: CanvasRenderingContext2D, upper: readonly Spot[], lower: readonly Spot[] | null, zero: number, start: number, end: number): void {
  g.beginPath();
  for (let i = start; i < end; i++) {
    const spot = upper[i];
    if (spot) g.lineTo(spot.x, spot.y);
  }
  for (let i = end - 1; i >= start; i--) {
    const spot = upper[i];
    if (spot) g.lineTo(spot.x, lower === null ? zero : lower[i]?.y ?? zero);
  }
  g.closePath();
  g.fill();
}
