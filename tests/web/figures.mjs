// How benches say what they measured.

export const exactNow = () => performance.timeOrigin + performance.now();

export const sleep = ms => new Promise(resolve => setTimeout(resolve, Math.max(0, ms)));

/** Gives the value that a share `p` of the delays stays below, ms. */
export function percentile(delays, p) {
  const sorted = delays.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
}

export function distribution(delays) {
  const at = p => percentile(delays, p).toFixed(1);
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, most ${at(1)} ms (${delays.length} samples)`;
}

export function histogram(delays) {
  const bounds = [5, 10, 15, 20, 30, 50, 100, 200, Infinity];
  return bounds.map((bound, i) => `<${bound}: ${delays.filter(delay => delay < bound && delay >= (bounds[i - 1] ?? -Infinity)).length}`).join('  ');
}

/** Says the bar, and whether it was missed. */
export const bar = (what, measured, most) => `bar ${what}${measured <= most ? '' : ', MISSED'}`;
