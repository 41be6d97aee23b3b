// A disk that is full: the page says so while it lasts, also one that was opened meanwhile, and charts go on.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { browserFor, ownServer, pageFor, roomUrl, until, untilDrawn } from './support.mjs';

const run = promisify(execFile);
const SHIM = new URL('../shim/slowdisk.c', import.meta.url).pathname;

const told = page => page.locator('.notice', { hasText: /disk/i }).count();

/** Waits until a step later than now is in the chart of the load. */
async function untilLater(page) {
  const now = Date.now();
  await until('a later step', () => page.evaluate(after => (window.watchroom.panels().find(panel => panel.id === 'load')?.queries[0]?.series[0]?.t.at(-1) ?? 0) > after, now));
}

test('a full disk is said, and its end', { timeout: 120_000 }, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'watchroom-shim-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [library, full] = [join(folder, 'slowdisk.so'), join(folder, 'full')];
  await run('cc', ['-shared', '-fPIC', '-O1', '-o', library, SHIM, '-ldl']);
  const server = await ownServer(t, { environment: directory => ({ LD_PRELOAD: library, SLOWDISK_DIR: directory, SLOWDISK_FULL: full }) });
  const browser = await browserFor(t);
  const page = await pageFor(t, browser);
  const room = await roomUrl(server.url, 'host');
  await page.goto(room);
  await untilDrawn(page);
  assert.equal(await told(page), 0);

  await writeFile(full, '');
  await until('the page says that the disk is full', async () => (await told(page)) === 1, 30_000);
  const late = await pageFor(t, browser);
  await late.goto(room);
  await until('a page that comes now says it, too', async () => (await told(late)) === 1);
  await untilLater(page);

  await rm(full);
  for (const one of [page, late]) await until('it is over', async () => (await told(one)) === 0, 30_000);
  await untilLater(page);
});
