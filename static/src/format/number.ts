// Numbers as the page writes them: src/http/view.rs writes the first screen by the same rules.

/** Stands between thousands, and between a number and its unit. */
export const NBSP = '\u00a0';

/** What stands where there is no value. */
export const NONE = '–';

const PREFIXES: readonly (readonly [number, string])[] = [[1e24, 'Y'], [1e21, 'Z'], [1e18, 'E'], [1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']];

/** From here on there is no prefix left. */
const PREFIXED_MAX = 1e27;

/** Prefixes of marks that are small. */
const SMALL: readonly (readonly [number, string])[] = [[1e-3, 'm'], [1e-6, 'µ'], [1e-9, 'n'], [1e-12, 'p']];

/** Most decimals of a mark: the gutter has room for six figures. */
const MARK_DECIMALS_MAX = 3;

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
  if (size >= PREFIXED_MAX) return value.toExponential(2).replaceAll('-', '−').replace('+', '');
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

/**
 * Writes a mark of an axis: no more decimals than the distance of marks needs, one prefix for all of the axis (by its
 * `largest`), and no sign when mirrored.
 */
export function formatMark(value: number, distance: number, largest: number, mirrored: boolean): string {
  const shown = mirrored ? Math.abs(value) : value;
  if (value === 0) return '0';
  const [unit, prefix] = prefixOf(distance, largest);
  const decimals = decimalsFor(distance / unit);
  return `${grouped((shown / unit).toFixed(decimals))}${prefix === '' ? '' : `${NBSP}${prefix}`}`;
}

/** Gives what the marks of an axis are parts of, and its letter: a power of ten beyond all letters. */
function prefixOf(distance: number, largest: number): readonly [number, string] {
  const power = 10 ** Math.floor(Math.log10(largest));
  if (largest >= PREFIXED_MAX) return [power, `e${Math.log10(power).toFixed(0)}`];
  const [least, prefix] = PREFIXES.find(([from]) => largest >= from) ?? [1, ''];
  if (least > 1 || decimalsFor(distance) <= MARK_DECIMALS_MAX || largest >= 1) return [least === 1e4 ? 1e3 : least, prefix];
  return SMALL.find(([from]) => largest >= from) ?? [power, `e−${Math.abs(Math.log10(power)).toFixed(0)}`];
}

/** Gives the fewest decimals that write a distance exactly: 2.5 needs one, 0.05 two. */
function decimalsFor(distance: number): number {
  for (let decimals = 0; decimals < DECIMALS_MAX; decimals++) {
    const shifted = distance * 10 ** decimals;
    if (Math.abs(shifted - Math.round(shifted)) < 1e-6 * shifted) return decimals;
  }
  return DECIMALS_MAX;
}

const DECIMALS_MAX = 9;

/** From how many bytes an amount is written in a unit. */
const AMOUNTS: readonly (readonly [number, string])[] = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']];

/** Writes an amount and its whole in bytes, with the prefix of the whole: `46.1` and `98.0 GB`. */
export function formatAmounts(used: number, whole: number): [string, string] {
  const [unit, name] = AMOUNTS.find(([from]) => whole >= from) ?? [1, 'B'];
  const written = (value: number): string => formatNumber(value, value >= 100 || unit === 1 ? 0 : 1);
  return [written(used / unit), `${written(whole / unit)}${NBSP}${name}`];
}

/** From how many bytes a unit is written, and what it is: small amounts are parts of a megabyte, so that columns align. */
const BYTES: readonly (readonly [number, number, string])[] = [[1e12, 1e12, 'TB'], [1e9, 1e9, 'GB'], [1e5, 1e6, 'MB'], [100, 1e3, 'kB']];

/** Writes bytes a second in a table's cell: `176.2 MB`, `0` for less than a hundred. */
export function formatBytes(value: number): string {
  if (value !== value) return NONE;
  for (const [least, unit, name] of BYTES) if (value >= least) return `${(value / unit).toFixed(1)}${NBSP}${name}`;
  return '0';
}
