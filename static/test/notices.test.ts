import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Troubles, type TroubleChange } from '../src/page/troubles';

const notice = (node: string, state: string, since?: number, text?: string): unknown => ({ kind: 'storage', node, state, since, text });
const words = (changes: readonly TroubleChange[]): string[] => changes.map(({ kind, trouble }) => `${trouble.node} ${trouble.state} ${kind}`);

test('a trouble that is told again changes nothing', () => {
  const troubles = new Troubles();
  assert.deepEqual(words(troubles.told(notice('a', 'refusing', 1, 'full'))), ['a refusing began']);
  assert.deepEqual(words(troubles.told(notice('a', 'refusing', 1, 'full'))), []);
  assert.deepEqual(words(troubles.stand([notice('a', 'refusing', 1, 'full')])), []);
  assert.deepEqual(words(troubles.told(notice('a', 'refusing', 1, 'read-only'))), ['a refusing reworded']);
  assert.deepEqual(words(troubles.told(notice('b', 'slow'))), ['b slow began']);
  assert.deepEqual(words(troubles.told(notice('b', 'slow'))), []);
});

test('another state, or the same one since another time, is another trouble', () => {
  const troubles = new Troubles();
  troubles.told(notice('a', 'slow', 1));
  assert.deepEqual(words(troubles.told(notice('a', 'refusing', 2))), ['a refusing began']);
  assert.deepEqual(words(troubles.told(notice('a', 'refusing', 9))), ['a refusing began']);
});

test('a node that is well again ends its own trouble alone, and once', () => {
  const troubles = new Troubles();
  troubles.told(notice('a', 'refusing', 1));
  troubles.told(notice('b', 'slow', 2));
  assert.deepEqual(words(troubles.told(notice('b', 'ok'))), ['b slow ended']);
  assert.deepEqual(words(troubles.told(notice('b', 'ok'))), []);
  assert.deepEqual(words(troubles.told(notice('c', 'ok'))), []);
  assert.deepEqual(words(troubles.told(notice('a', 'ok'))), ['a refusing ended']);
});

test('what stands is the whole truth', () => {
  const troubles = new Troubles();
  troubles.told(notice('a', 'refusing', 1));
  troubles.told(notice('b', 'slow', 2));
  assert.deepEqual(words(troubles.stand([{ kind: 'pushed' }, notice('b', 'slow', 2), notice('c', 'slow', 3)])), ['a refusing ended', 'c slow began']);
  assert.deepEqual(words(troubles.stand([])), ['b slow ended', 'c slow ended']);
  assert.deepEqual(words(troubles.stand([null, 'x', { kind: 'storage' }])), []);
});
