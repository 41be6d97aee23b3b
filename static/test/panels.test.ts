import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePanel } from '../src/boot';
import { Palette } from '../src/data/names';
import { emptyTable, withBackfill, type Table } from '../src/data/table';
import { HeatRows } from '../src/panels/heatrows';
import { sameTracks, trackNow, tracksOf } from '../src/panels/tracks';
import { parseBlock } from '../src/wire/block';

/** A table with these series, in this order, each with one value: its position from 1 on. */
function tableOf(label: string, values: readonly string[]): Table {
  const block = parseBlock({ step: 1000, series: values.map(value => ({ [label]: value })), t: [1000], v: values.map((_, i) => [i + 1]) });
  assert.ok(block);
  return withBackfill(emptyTable(1000, 10), block);
}

test('rows of a heat strip are named anew for another table of the same generation', () => {
  const rows = new HeatRows('{{core}}');
  const [one, other] = [tableOf('core', ['0', '1']), tableOf('core', ['1', '0', '10'])];
  const words = (): string => rows.rows.map(row => `${row.name}:${row.series}`).join(' ');
  const tables: [Table, Table] = [{ ...one, generation: 7 }, { ...other, generation: 7 }];
  rows.fit(tables[0]);
  assert.equal(words(), '0:0 1:1');
  const before = rows.rows;
  rows.fit(tables[0]);
  assert.equal(rows.rows, before, 'the same table costs nothing');
  rows.fit(tables[1]);
  assert.equal(words(), '0:1 1:0 10:2');
  rows.fit(tables[0]);
  assert.equal(words(), '0:0 1:1');
});

test('the same sorted series in other columns are other tracks', () => {
  const panel = parsePanel({ id: 'h', kind: 'line', queries: [{ expr: 'a' }] });
  assert.ok(panel);
  const palette = new Palette();
  const [one, other] = [tableOf('le', ['0.1', '1']), tableOf('le', ['1', '0.1'])];
  const [before, after] = [tracksOf(panel, [one], palette), tracksOf(panel, [other], palette)];
  assert.deepEqual(after.map(track => track.key), before.map(track => track.key));
  assert.equal(sameTracks(before, tracksOf(panel, [one], palette)), true);
  assert.equal(sameTracks(before, after), false);
  assert.deepEqual(after.map(track => trackNow(panel, [other], track)), [2, 1]);
});
