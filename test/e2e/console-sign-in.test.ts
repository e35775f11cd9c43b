import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPageFiles } from '../../relay/console/page-files.ts';
import { withSignIn } from '../support/console-sign-in.ts';
import { findChromium, launchChromium } from '../support/sign-in.ts';

const missing = findChromium() === undefined && 'no Chromium: set CHROMIUM_PATH';
if (missing && process.env['CI'] === 'true') throw new Error(missing);

test(
  'people sign in to the console with a real provider, and out again',
  { skip: missing },
  async (t) => {
    await createPageFiles(() => undefined)();
    const { bench } = await withSignIn(t, { rolesIn: 'userinfo', top: 'workers: 2' });
    const browser = await launchChromium();
    t.after(() => browser.close());
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const enter = async (user: string): Promise<void> => {
      await page.locator('input[name="login"]').fill(user);
      await page.locator('input[name="password"]').fill('any');
      await page.getByRole('button', { name: 'Sign-in' }).click();
      await page.getByRole('button', { name: 'Continue' }).click();
    };

    // By another name of this machine: the browser is led to the one that cookies are for.
    const { port } = new URL(bench.url);
    await page.goto(`http://localhost:${port}/console/search?user=alice`);
    await enter('auditor-ann');
    await page.getByRole('heading', { name: 'Search the audit' }).waitFor();
    assert.equal(page.url(), `${bench.url}/console/search?user=alice`);
    assert.equal(await page.getByLabel('Person').inputValue(), 'alice');
    await page.getByText('Name of auditor-ann').waitFor();
    const cookies = await context.cookies(bench.url);
    const session = cookies.find(({ name }) => name === '__Host-latchkey-console');
    assert.deepEqual(
      [session?.secure, session?.httpOnly, session?.sameSite, session?.path],
      [true, true, 'Strict', '/'],
    );
    assert.equal(await page.evaluate('document.cookie'), '');

    // Two processes serve; what both did is here.
    await page.getByRole('link', { name: 'Live' }).click();
    await page.getByText('Live', { exact: true }).nth(1).waitFor();
    await Promise.all(
      Array.from({ length: 6 }, (_, at) => bench.send('alice', `/x/of-worker-${at}`)),
    );
    await page.getByRole('row').filter({ hasText: '/x/of-worker-5' }).waitFor();
    await page.getByRole('link', { name: 'APIs' }).click();
    await page.getByRole('article', { name: 'Payroll' }).getByText('http://127.0.0.1:1').waitFor();

    // A link from another site: the strict cookie stays behind at first, the session does not.
    await page.goto(`data:text/html,<a href="${bench.url}/console/people">go</a>`);
    await page.getByRole('link', { name: 'go' }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await page.getByText('the identity provider was asked to end its own').waitFor();
    assert.equal(new URL(page.url()).origin, bench.url);
    const left = (await context.cookies(bench.url)).map(({ name }) => name);
    assert.ok(!left.includes('__Host-latchkey-console'), 'the cookie went with the session');
    assert.equal((await context.request.get(`${bench.url}/audit`)).status(), 401);

    // Its own session is over, too: it asks who it is.
    await page.getByRole('link', { name: 'Sign in' }).click();
    await enter('intern');
    await page.getByRole('heading', { name: 'You may not look at this' }).waitFor();
    assert.equal((await context.request.get(`${bench.url}/audit`)).status(), 401);
  },
);
