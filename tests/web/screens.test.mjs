// Pictures of the pages, to be looked at: desktop, tablet and phone, dark and light. WATCHROOM_SHOTS names the folder.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { anyServer, bootOf, browserFor, pageFor, until, untilDrawn } from './support.mjs';

const FOLDER = process.env.WATCHROOM_SHOTS ?? join(tmpdir(), 'watchroom-shots');
const SIZES = [
  ['desktop', { viewport: { width: 1600, height: 1000 } }],
  ['laptop', { viewport: { width: 1280, height: 800 } }],
  ['tablet', { viewport: { width: 900, height: 1100 }, hasTouch: true }],
  ['phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }],
];

/** Seconds of samples that a picture should show, when the server is a new one. */
const STEPS_MIN = 20;

for (const [size, options] of SIZES) {
  for (const colorScheme of ['dark', 'light']) {
    test(`${size}, ${colorScheme}`, async t => {
      await mkdir(FOLDER, { recursive: true });
      const base = await anyServer(t);
      const browser = await browserFor(t);
      const page = await pageFor(t, browser, { ...options, colorScheme });
      for (const room of (await bootOf(base)).rooms) {
        await page.goto(new URL(room.href, base).href);
        if ((await bootOf(new URL(room.href, base).href)).panels.length > 0) {
          await untilDrawn(page);
          await until('some history', () => page.evaluate(least => window.watchroom.panels().some(panel => panel.queries.some(query => query.series.some(one => one.t.length >= least))), STEPS_MIN), 40_000);
        }
        await page.screenshot({ path: join(FOLDER, `${room.id}-${size}-${colorScheme}.png`) });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${room.id} is ${wide} px wider than the screen`);
      }
      t.diagnostic(FOLDER);
    });
  }
}
