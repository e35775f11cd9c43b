import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPageFiles } from '../../relay/console/page-files.ts';
import { openConsoleOver } from '../support/console-over.ts';
import { eventually } from '../support/electron.ts';
import { writeLargeLedger } from '../support/large-ledger.ts';
import { findChromium, launchChromium } from '../support/sign-in.ts';

/** The nightly run takes a million. */
const records = Number(process.env['LATCHKEY_AUDIT_RECORDS'] ?? 30_000);
const missing = findChromium() === undefined && 'no Chromium: set CHROMIUM_PATH';
if (missing && process.env['CI'] === 'true') throw new Error(missing);

/** Scrolls all the way in so many frames, and tells how long each took, ms. */
const SCROLL = `async (frames) => {
  const grid = document.querySelector('[role="grid"]');
  const times = [];
  let before = performance.now();
  for (let frame = 1; frame <= frames; frame += 1) {
    grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * frame / frames;
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - before);
    before = performance.now();
  }
  return times;
}`;

test('the scroll bar reaches any of a very large audit', { skip: missing }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-console-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const audit = join(dir, 'audit');
  writeLargeLedger(audit, records, { segmentRecords: Math.min(250_000, records / 4) });
  await createPageFiles(() => undefined)();
  const url = await openConsoleOver(t, audit);
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60_000);
  await page.goto(`${url}/console/search`);
  const grid = page.getByRole('grid');
  await page.getByText(/^[\d,]+ records$/).waitFor();
  const count = Number(await grid.getAttribute('aria-rowcount'));
  assert.ok(count >= records);

  const isRead = (): Promise<boolean> =>
    page.evaluate<boolean>(`(() => {
      const grid = document.querySelector('[role="grid"]').getBoundingClientRect();
      const seen = [...document.querySelectorAll('[role="row"]')].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > grid.top && top < grid.bottom;
      });
      return seen.length > 10 && seen.every((row) => row.querySelector('.cell-time') !== null);
    })()`);
  for (const share of [0.5, 0.9, 1, 0.1, 0]) {
    await page.evaluate(
      `document.querySelector('[role="grid"]').scrollTop = (document.querySelector('[role="grid"]').scrollHeight - document.querySelector('[role="grid"]').clientHeight) * ${share}`,
    );
    await eventually(`the rows at ${share}`, async () => (await isRead()) || undefined, 60_000);
    const rows = await page.getByRole('row').count();
    assert.ok(rows < 60, `${rows} rows exist`);
    const seen = await page.getByRole('row').nth(12).getAttribute('aria-rowindex');
    assert.ok(Math.abs(Number(seen) - count * share) < count * 0.02 + 60, `${seen} at ${share}`);
  }
  const times = (await page.evaluate<number[]>(`(${SCROLL})(300)`)).toSorted((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
  t.diagnostic(
    `${count} records, a frame while scrolling: median ${at(0.5)} ms, 95 % ${at(0.95)} ms`,
  );

  await grid.focus();
  await page.keyboard.press('End');
  await eventually(
    'the first record',
    async () =>
      (await page.locator('[data-active]').getAttribute('aria-rowindex')) === String(count) ||
      undefined,
  );
});
