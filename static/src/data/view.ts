// Which stretch of time the page shows: a pure reducer.

/** One of the ranges of the top bar. `seconds` long, drawn in steps of `step` ms. */
export interface Range {
  readonly id: string;
  readonly seconds: number;
  readonly step: number;
}

/** Live follows the newest sample; held stands still, after a pause, a zoom or a shift. */
export type View =
  | { readonly kind: 'live'; readonly range: number }
  | { readonly kind: 'held'; readonly range: number; readonly from: number; readonly to: number };

export type Act =
  | { readonly kind: 'range'; readonly range: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'live' }
  | { readonly kind: 'zoom'; readonly from: number; readonly to: number }
  | { readonly kind: 'shift'; readonly by: number };

/** Shortest stretch that can be zoomed to, ms. */
const SPAN_MIN = 5_000;

/** Gives the view after an act. `edge` is the time of the newest sample, ms; no view ends after it. */
export function viewAfter(view: View, act: Act, ranges: readonly Range[], edge: number): View {
  switch (act.kind) {
    case 'range':
      return { kind: 'live', range: Math.min(Math.max(act.range, 0), ranges.length - 1) };
    case 'live':
      return { kind: 'live', range: view.range };
    case 'hold':
      return view.kind === 'held' ? view : { kind: 'held', range: view.range, ...spanOf(view, ranges, edge) };
    case 'zoom': {
      const from = Math.min(act.from, act.to);
      const to = Math.min(Math.max(act.from, act.to), edge);
      return to - from < SPAN_MIN ? view : { kind: 'held', range: view.range, from, to };
    }
    case 'shift': {
      const span = spanOf(view, ranges, edge);
      const by = Math.min(act.by, edge - span.to);
      return { kind: 'held', range: view.range, from: span.from + by, to: span.to + by };
    }
  }
}

/** Gives the stretch that a view shows, ms since the epoch. */
export function spanOf(view: View, ranges: readonly Range[], edge: number): { from: number; to: number } {
  if (view.kind === 'held') return { from: view.from, to: view.to };
  const seconds = ranges[view.range]?.seconds ?? 900;
  return { from: edge - seconds * 1000, to: edge };
}

/** Most steps asked of one held stretch: the server gives 1,500. */
const HELD_STEPS_MAX = 1_500;

/**
 * Gives the finest step of the ranges in which a held stretch is at most `HELD_STEPS_MAX` long. Only those: for them the
 * server has made the expressions look widely enough.
 */
export function stepFor(from: number, to: number, ranges: readonly Range[]): number {
  const steps = ranges.map(range => range.step).sort((a, b) => a - b);
  return steps.find(step => (to - from) / step < HELD_STEPS_MAX) ?? steps.at(-1) ?? 1000;
}

/** Gives the longest range that is drawn in a step, ms: between ranges of one step nothing is asked again. */
export function windowFor(step: number, ranges: readonly Range[]): number {
  return Math.max(...ranges.filter(range => range.step === step).map(range => range.seconds * 1000), step);
}
