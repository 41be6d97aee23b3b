// Fewer points than samples, and no peak lost.

/** The least and the most of each bucket; NaN where it holds no value. */
export interface Extremes {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export function extremesOf(buckets: number): Extremes {
  return { low: new Float64Array(buckets), high: new Float64Array(buckets) };
}

/** Sums up `count` values in as many buckets as `into` holds; `at(i)` gives the i-th value. */
export function extremes(into: Extremes, count: number, at: (i: number) => number): void {
  const buckets = into.low.length;
  for (let b = 0; b < buckets; b++) {
    const first = Math.floor((b * count) / buckets);
    const end = Math.max(first + 1, Math.floor(((b + 1) * count) / buckets));
    let low = Infinity;
    let high = -Infinity;
    for (let i = first; i < end && i < count; i++) {
      const value = at(i);
      if (value < low) low = value;
      if (value > high) high = value;
    }
    into.low[b] = low === Infinity ? Number.NaN : low;
    into.high[b] = high === -Infinity ? Number.NaN : high;
  }
}
