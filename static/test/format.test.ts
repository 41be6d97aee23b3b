import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAmounts, formatBytes, formatMark, formatNumber } from '../src/format/number';
import { duration, durationParts } from '../src/format/time';

const units = { d: 'd', h: 'h', m: 'm', s: 's' };
const plain = (words: string): string => words.replaceAll('\u00a0', ' ');

test('numbers keep their decimals', () => {
  const check = (value: number, decimals: number | null, expected: string): void => assert.equal(plain(formatNumber(value, decimals)), expected);
  check(61.12, 1, '61.1');
  check(1204, 0, '1 204');
  check(1234567.8, 1, '1 234 567.8');
  check(-3.26, 1, '−3.3');
  check(-0.01, 1, '0.0');
  check(Number.NaN, 2, '–');
  check(Infinity, 2, '∞');
});

test('without decimals three figures are written', () => {
  const check = (value: number, expected: string): void => assert.equal(plain(formatNumber(value, null)), expected);
  check(0, '0.00');
  check(1.234, '1.23');
  check(21.5, '21.5');
  check(212.4, '212');
  check(9_364, '9 364');
  check(12_345, '12.3 k');
  check(1_234_567, '1.23 M');
  check(-42_000, '−42.0 k');
  check(0.000_01, '1.0e−5');
  check(2.8e22, '28.0 Z');
  check(2.8e30, '2.80e30');
});

test('marks of one axis have one prefix and no more decimals than they need', () => {
  const axis = (marks: number[], mirrored = false): string[] => {
    const distance = (marks[1] ?? 0) - (marks[0] ?? 0);
    return marks.map(mark => plain(formatMark(mark, distance, Math.max(...marks.map(Math.abs)), mirrored)));
  };
  assert.deepEqual(axis([0, 5000, 10_000, 15_000]), ['0', '5 k', '10 k', '15 k']);
  assert.deepEqual(axis([0, 2.5, 5]), ['0', '2.5', '5.0']);
  assert.deepEqual(axis([0, 0.05, 0.1]), ['0', '0.05', '0.10']);
  assert.deepEqual(axis([-200, 0, 200], true), ['200', '0', '200']);
  assert.deepEqual(axis([0, 500_000, 1_000_000]), ['0', '0.5 M', '1.0 M']);
  assert.deepEqual(axis([0.0018, 0.00185, 0.0019, 0.00195, 0.002]), ['1.80 m', '1.85 m', '1.90 m', '1.95 m', '2.00 m']);
  assert.deepEqual(axis([0, 0.005, 0.01]), ['0', '0.005', '0.010']);
  assert.deepEqual(axis([2.75e22, 2.8e22]), ['27.5 Z', '28.0 Z']);
  assert.deepEqual(axis([2e30, 4e30]), ['2 e30', '4 e30']);
  assert.deepEqual(axis([0, 5e-7, 1e-6]), ['0', '0.5 µ', '1.0 µ']);
});

test('bytes have the prefix of their size', () => {
  assert.equal(plain(formatBytes(176_200_000)), '176.2 MB');
  assert.equal(plain(formatBytes(300_000)), '0.3 MB');
  assert.equal(formatBytes(12), '0');
  assert.equal(formatBytes(Number.NaN), '–');
});

test('an amount and its whole have the prefix of the whole', () => {
  assert.deepEqual(formatAmounts(46.1e9, 98e9).map(plain), ['46.1', '98.0 GB']);
  assert.deepEqual(formatAmounts(412e9, 1_200e9).map(plain), ['0.4', '1.2 TB']);
  assert.deepEqual(formatAmounts(0, 65_536).map(plain), ['0.0', '65.5 kB']);
  assert.deepEqual(formatAmounts(3, 512).map(plain), ['3', '512 B']);
});

test('lengths of time have their two largest parts', () => {
  assert.equal(plain(duration(206_000, units)), '3 m 26 s');
  assert.equal(plain(duration(60_000, units)), '1 m');
  assert.equal(plain(duration(38_400, units)), '38 s');
  assert.equal(plain(duration(0, units)), '0 s');
  assert.deepEqual(durationParts(3_570_000_000, units), [[41, 'd'], [7, 'h']]);
});
