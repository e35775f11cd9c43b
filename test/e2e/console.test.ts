import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { axeViolations, isEveryView } from '../support/axe.ts';
import {
  createConsoleBench,
  HOSTILE,
  useRelay,
  type ConsoleBench,
} from '../support/console-bench.ts';
import { createPageFiles } from '../../relay/console/page-files.ts';
import { eventually, testOutput } from '../support/electron.ts';
import { findChromium, launchChromium } from '../support/sign-in.ts';
import { wear } from '../support/theme.ts';
import { until } from '../support/until.ts';

const missing = findChromium() === undefined && 'no Chromium: set CHROMIUM_PATH';
if (missing && process.env['CI'] === 'true') throw new Error(missing);

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

describe('the console in a browser', { skip: missing }, () => {
  const closers: (() => Promise<void>)[] = [];
  let bench: ConsoleBench;
  let browser: Browser;

  before(async () => {
    // Where the page must be built first, browsers would have to wait for it.
    await createPageFiles(() => undefined)();
    bench = await createConsoleBench({ after: (close) => void closers.push(close) });
    await useRelay(bench);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    for (const close of closers) await close();
  });

  /** A page that fails the test when it complains, about its policy for instance. */
  async function open(
    t: TestContext,
    path: string,
    viewport = DESK,
    { url } = bench,
  ): Promise<{ readonly page: Page; readonly complaints: readonly string[] }> {
    const page = await browser.newPage({ viewport });
    const complaints: string[] = [];
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') complaints.push(line.text());
    });
    t.after(() => page.close());
    await page.goto(`${url}${path}`);
    return { page, complaints };
  }

  const rowWith = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });

  test('shows requests as they happen, and holds them back while paused', async (t) => {
    const { page, complaints } = await open(t, '/');
    await page.getByText('Live', { exact: true }).nth(1).waitFor();
    await bench.send('alice', '/x/fresh', { claims: { name: 'Alice Archer' } });
    await rowWith(page, '/x/fresh').filter({ hasText: '200 OK' }).waitFor();
    await rowWith(page, 'Alice Archer').first().waitFor();

    await page.getByRole('button', { name: 'Pause' }).click();
    await bench.send('bob', '/x/later', { claims: { scope: '' } });
    await page.getByRole('button', { name: /Resume \(\d+ new\)/ }).waitFor();
    assert.equal(await rowWith(page, '/x/later').count(), 0);
    await page.getByRole('button', { name: /Resume/ }).click();
    await rowWith(page, '/x/later').filter({ hasText: '403 scope' }).waitFor();

    await page.getByLabel('Refused only').check();
    await rowWith(page, '/x/fresh').waitFor({ state: 'detached' });
    await page.getByLabel('Refused only').uncheck();
    await page.getByLabel('Find in the live traffic').fill('alice');
    await rowWith(page, '/x/later').waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
  });

  test('goes on by itself after the relay’s stream was cut', async (t) => {
    const { page } = await open(t, '/');
    await page.getByText('Live', { exact: true }).nth(1).waitFor();
    await page.context().setOffline(true);
    await page.evaluate('window.dispatchEvent(new Event("offline"))');
    await bench.send('alice', '/x/while-away');
    await page.context().setOffline(false);
    await rowWith(page, '/x/while-away').waitFor();
  });

  test('finds records by what they say, keeps the search in the address, tells a story', async (t) => {
    const { page, complaints } = await open(t, '/console/search');
    await page.getByText(/^\d+ records$/).waitFor();
    await page.getByLabel('Person').fill('bob');
    await page.getByLabel('Person').press('Enter');
    await page.getByText(/^\d+ records found$/).waitFor();
    assert.equal(new URL(page.url()).search, '?user=bob');
    await page.reload();
    await page.getByText(/^\d+ records found$/).waitFor();
    assert.equal(await page.getByLabel('Person').inputValue(), 'bob');

    await rowWith(page, '/x/reports/2026').click();
    await page.getByRole('heading', { name: 'GET /x/reports/2026' }).waitFor();
    for (const text of ['Bob Baker', 'A scope was missing', 'latchkey-desktop', '403 scope'])
      await page.getByText(text).first().waitFor();
    await page.getByText('The 2 records as kept').click();
    const kept = page.locator('pre').filter({ hasText: /"prev": "[0-9a-f]{64}"/ });
    await kept.first().waitFor();
    await page.getByRole('link', { name: 'Bob Baker' }).click();
    await page.getByText(/^\d+ records found$/).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'GET /x/reports/2026' }).waitFor();

    await page.goto(`${bench.url}/console/search?reason=Scope!`);
    await page.getByText('`reason` must be the code of a refusal').waitFor();
    assert.deepEqual(
      complaints.filter((line) => !line.includes('400')),
      [],
    );
  });

  test('tells reads of the audit in sentences, and leads out of a search that finds nothing', async (t) => {
    const { page, complaints } = await open(t, '/console/search?kind=admin-read');
    await rowWith(page, 'Looked through the audit').first().waitFor();
    await page.goto(`${bench.url}/console/search?kind=admin-read&user=bob`);
    await page.getByText('No record matches').waitFor();
    await page.getByRole('link', { name: 'show all records' }).click();
    await rowWith(page, 'Searched the audit: one person, kind admin-read').first().waitFor();
    assert.deepEqual(complaints, []);
  });

  test('counts people, APIs and refusals, and leads on from there', async (t) => {
    const { page, complaints } = await open(t, '/console/people');
    const alice = rowWith(page, 'Alice Archer');
    await alice.filter({ hasText: /\b(?:2[6-9]|[34]\d)\b/ }).waitFor();
    await page.getByRole('link', { name: 'APIs' }).click();
    const payroll = page.getByRole('article', { name: 'Payroll' });
    await payroll.getByText('1 (100 %)').waitFor();
    await payroll.getByText('Failing').waitFor();
    await page.getByRole('article', { name: 'Billing' }).getByText('Healthy').waitFor();
    await page.getByRole('link', { name: 'Refusals' }).click();
    await rowWith(page, 'token_missing').waitFor();
    await page.getByRole('link', { name: 'denied' }).click();
    await page.getByText('1 record found').waitFor();
    assert.deepEqual(complaints, []);
  });

  test('verifies the chain on demand, once a minute, and says what was found', async (t) => {
    const { page, complaints } = await open(t, '/console/health');
    await page.getByText('Not checked since the relay started.').waitFor();
    const button = page.getByRole('button', { name: 'Verify the whole chain' });
    await button.click();
    await page.getByText(/^Verified at .* nothing was changed\.$/).waitFor();
    await eventually('the button to rest', async () => (await button.isDisabled()) || undefined);
    await page.getByText('no opt-out is set').waitFor();
    assert.deepEqual(complaints, []);
  });

  test('names insecure opt-outs on every screen', async (t) => {
    const insecure = await createConsoleBench(t, { top: 'insecure: { plainUpstream: true }' });
    for (const path of ['/', '/console/people']) {
      const { page } = await open(t, path, DESK, insecure);
      const alert = page.getByRole('alert').filter({ hasText: 'insecure options' });
      await alert.getByText('plainUpstream').waitFor();
    }
  });

  test('is driven by the keyboard alone', async (t) => {
    const { page } = await open(t, '/');
    await rowWith(page, 'mallory').first().waitFor();
    const focused = (): Promise<string> =>
      page.evaluate<string>(
        'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
      );
    const tabTo = async (name: string): Promise<void> => {
      for (let press = 0; press < 30; press += 1) {
        if ((await focused()) === name) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`Tab never reached ${name}`);
    };
    await tabTo('Search');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Search the audit' }).waitFor();
    await rowWith(page, 'GET').first().waitFor();
    await tabTo('Records, newest first');
    await page.keyboard.press('End');
    const isLastActive = async (): Promise<boolean> => {
      const active = await page.locator('[data-active]').getAttribute('aria-rowindex');
      const count = await page.getByRole('grid').getAttribute('aria-rowcount');
      return active === count;
    };
    await until('the last row to be active', isLastActive);
    await page.keyboard.press('Home');
    await until('another row to be active', async () => !(await isLastActive()));
    for (let press = 0; press < 40; press += 1) {
      // What is not read yet has no text.
      await page.locator('[data-active] .cell-time').waitFor();
      const active = await page.locator('[data-active]').innerText();
      if (active.includes('GET')) break;
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^GET \// }).waitFor();
    await eventually(
      'the focus to follow',
      async () => (await page.evaluate('document.activeElement.id')) === 'main' || undefined,
    );
  });

  test('shows hostile texts as texts', async (t) => {
    const id = await bench.send('mallory', HOSTILE.path, {
      claims: { name: HOSTILE.name },
      tool: HOSTILE.tool,
    });
    const paths = [
      '/',
      '/console/search?user=mallory',
      '/console/people',
      `/console/request/${id}`,
    ];
    for (const path of paths) {
      const { page, complaints } = await open(t, path);
      await page.getByText(HOSTILE.name).first().waitFor();
      assert.equal(await page.evaluate('window.__hacked'), undefined, path);
      assert.equal(await page.locator('img, script:not([src])').count(), 0, path);
      assert.deepEqual(complaints, [], path);
    }
    const odd = encodeURIComponent('"><script>window.__hacked=1</script>');
    const { page } = await open(t, `/console/request/${odd}`);
    await page.getByText('There is no record of this request').waitFor();
    assert.equal(await page.evaluate('window.__hacked'), undefined);
  });

  test('fits a phone, and axe finds nothing wrong, light on a desk and dark on a phone', async (t) => {
    const id = await bench.send('bob', '/x/secret', { claims: { name: 'Bob Baker', scope: '' } });
    const screens = [
      ['live', '/', 'Live traffic'],
      ['search', '/console/search', 'Search the audit'],
      ['story', `/console/request/${id}`, 'GET /x/secret'],
      ['people', '/console/people', 'People'],
      ['apis', '/console/apis', 'APIs'],
      ['refusals', '/console/denials', 'Refusals by reason'],
      ['health', '/console/health', 'Health and integrity'],
    ] as const;
    const views = [
      ['desk', DESK, 'light'],
      ['phone', PHONE, 'dark'],
      ...(isEveryView
        ? ([
            ['desk', DESK, 'dark'],
            ['phone', PHONE, 'light'],
          ] as const)
        : []),
    ] as const;
    const { page } = await open(t, '/');
    for (const [name, path, heading] of screens) {
      await page.goto(`${bench.url}${path}`);
      await page.getByRole('heading', { name: heading }).waitFor();
      for (const [size, viewport, colorScheme] of views) {
        await page.setViewportSize(viewport);
        await wear(page, colorScheme);
        await page.waitForLoadState('networkidle').catch(() => undefined);
        const wide = await page.evaluate(
          '[...document.querySelectorAll("html, main, .panel, .virtual")].filter((it) => it.scrollWidth > it.clientWidth).length',
        );
        assert.equal(wide, 0, `${name} is too wide on the ${size}`);
        assert.deepEqual(await axeViolations(page), [], `${name} ${size} ${colorScheme}`);
        await page.screenshot({
          path: await testOutput(`console-${name}-${size}-${colorScheme}.png`),
        });
      }
    }
  });
});
