// Numbers as the page writes them: src/http/view.rs writes the first screen by the same rules.

/** Stands between thousands, and between a number and its unit. */
export const NBSP = '\u00a0';

/** What stands where there is no value. */
export const NONE = '–';

const PREFIXES: readonly (readonly [number, string])[] = [[1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']];

/**
 * Writes a value with a fixed number of decimals, so that it does not shake; null lets the size of the value decide
 * (three figures, with a prefix from 10,000 on).
 */
export function formatNumber(value: number, decimals: number | null): string {
  if (value !== value) return NONE;
  if (value === Infinity) return '∞';
  if (value === -Infinity) return '−∞';
  if (decimals !== null) return grouped(value.toFixed(decimals));
  const size = Math.abs(value);
  for (const [least, prefix] of PREFIXES) {
    if (size >= least) {
      const unit = least === 1e4 ? 1e3 : least;
      return `${grouped(threeFigures(value / unit))}${NBSP}${prefix}`;
    }
  }
  return size !== 0 && size < 0.001 ? value.toExponential(1).replaceAll('-', '−') : grouped(threeFigures(value));
}

function threeFigures(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 || size === 0 ? 2 : 3;
  return value.toFixed(decimals);
}

/** Puts a no-break space between thousands from 1 000 on, and a true minus before negatives. */
function grouped(digits: string): string {
  const negative = digits.startsWith('-') && /[1-9]/.test(digits);
  const bare = digits.replace('-', '');
  const [whole = '0', part] = bare.split('.');
  const spaced = whole.length < 4 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, NBSP);
  return `${negative ? '−' : ''}${spaced}${part === undefined ? '' : `.${part}`}`;
}

/** Writes a mark of an axis: no more decimals than its neighbours' distance needs, and no sign when mirrored. */
export function formatMark(value: number, distance: number, mirrored: boolean): string {
  const shown = mirrored ? Math.abs(value) : value;
  const size = Math.max(Math.abs(value), distance);
  if (size >= 10_000 || (distance < 0.001 && distance > 0)) return formatNumber(shown, null).replace(/\.0+(?=\D|$)/, '');
  const decimals = distance >= 1 || distance === 0 ? (Number.isInteger(distance) ? 0 : 1) : Math.min(3, Math.ceil(-Math.log10(distance)) + (Number.isInteger(Number((distance / 10 ** Math.floor(Math.log10(distance))).toFixed(6))) ? 0 : 1));
  return grouped(shown.toFixed(decimals));
}

const BYTES: readonly (readonly [number, string])[] = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']];

/** Writes bytes a second in a table's cell: `176.2 MB`, `0` for less than a hundred. */
export function formatBytes(value: number): string {
  if (value !== value) return NONE;
  for (const [least, unit] of BYTES) if (value >= least * 0.1) return `${(value / least).toFixed(1)}${NBSP}${unit}`;
  return '0';
}
