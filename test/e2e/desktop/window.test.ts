import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { SnapshotView } from '../../../app/main/ipc/contract.ts';
import { findPerson } from '../../../demo/people.ts';
import { axeViolations } from '../../support/axe.ts';
import { useCompany } from '../../support/company.ts';
import {
  appArguments,
  appEnvironment,
  electronSkipReason,
  eventually,
  installedRuntime,
  launchApp,
  testOutput,
} from '../../support/electron.ts';
import type { LaunchedApp } from '../../support/electron.ts';
import { findChromium, signInWithChromium, signInWithFetch } from '../../support/sign-in.ts';
import { startSniHost } from '../../support/sni-host.ts';
import type { SniHost, TrayHandle } from '../../support/sni-host.ts';
import { wear } from '../../support/theme.ts';
import { until } from '../../support/until.ts';

const skip = await electronSkipReason();

describe('the tray app with the demo company', { skip }, () => {
  const company = useCompany();
  let dataDir: string;
  let host: SniHost;
  let launched: LaunchedApp;
  let tray: TrayHandle;
  let page: Page;
  const consoleErrors: string[] = [];

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'latchkey-e2e-'));
    host = await startSniHost();
    launched = await launchApp({ dataDir });
    page = await launched.page();
    page.setDefaultTimeout(60_000);
    page.on('console', (line) => {
      if (line.type() === 'error') consoleErrors.push(line.text());
    });
    tray = await host.item();
    // What the system browser would get is kept, so that the test can be the browser.
    await launched.app.evaluate(({ shell }) => {
      const opened: string[] = [];
      Object.assign(globalThis, { opened });
      shell.openExternal = (url: string): Promise<void> => {
        opened.push(url);
        return Promise.resolve();
      };
    });
  });

  after(async () => {
    await launched?.close();
    host?.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  const openedPages = async (): Promise<readonly string[]> =>
    launched.app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened);

  const snapshot = async (): Promise<SnapshotView> =>
    page.evaluate<SnapshotView>('latchkey.getSnapshot().then((reply) => reply.value)');

  const isVisible = async (): Promise<boolean> =>
    launched.app.evaluate(
      ({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false,
    );

  const waitForVisible = async (wanted: boolean): Promise<true> =>
    eventually(
      wanted ? 'the window to show' : 'the window to hide',
      async () => (await isVisible()) === wanted || undefined,
    );

  const waitForTooltip = async (text: string): Promise<string> =>
    eventually(`the tray to say ${text}`, async () => {
      const tooltip = await tray.tooltip();
      return tooltip.includes(text) ? tooltip : undefined;
    });

  const shoot = async (name: string, scheme: 'light' | 'dark'): Promise<void> => {
    await wear(page, scheme);
    await page.screenshot({ path: await testOutput(`${name}-${scheme}.png`) });
  };

  test('asks for the relay first, refuses what is none, and says why', async () => {
    const address = page.getByLabel('Relay address');
    await address.fill('http://relay.example.com');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('must be reached over https').waitFor();
    await shoot('first-run', 'light');
    await shoot('first-run', 'dark');
    await wear(page, 'light');
    await eventually('the menu to ask for the relay', async () =>
      (await tray.labels()).includes('Set the relay’s address…') ? true : undefined,
    );
    assert.deepEqual(await tray.labels(), [
      'Signed out',
      'Set the relay’s address…',
      'Open Latchkey',
      'Quit',
    ]);
    await address.fill(company().relayUrl);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await eventually('the menu to offer the sign-in', async () =>
      (await tray.labels()).includes('Sign in') ? true : undefined,
    );
    await shoot('signed-out', 'light');
    await shoot('signed-out', 'dark');
    await wear(page, 'light');
  });

  test('gives the page no Node, no Electron, no network and no way out', async () => {
    const found = await page.evaluate<{
      leaked: string[];
      bridge: string[];
      fetched: string;
      popup: string;
      frozen: boolean;
    }>(`(async () => {
      const names = ['process', 'require', 'module', 'Buffer', 'electron', 'ipcRenderer'];
      return {
        leaked: names.filter((name) => name in globalThis),
        bridge: Object.keys(latchkey),
        fetched: await fetch('https://example.com/').then(() => 'answered', () => 'refused'),
        popup: open('https://example.com/') === null ? 'refused' : 'opened',
        frozen: Object.isFrozen(latchkey),
      };
    })()`);
    assert.deepEqual(found.leaked, []);
    assert.equal(found.fetched, 'refused');
    assert.equal(found.popup, 'refused');
    assert.ok(found.frozen);
    assert.ok(!found.bridge.some((name) => /send|invoke|ipc/iu.test(name)));

    const policy = await page.evaluate(`(async () => {
      const violated = new Promise((resolve) =>
        document.addEventListener('securitypolicyviolation', (event) =>
          resolve(event.violatedDirective), { once: true }));
      const script = document.createElement('script');
      script.textContent = 'globalThis.injected = true';
      document.head.append(script);
      return { violated: await violated, ran: 'injected' in globalThis };
    })()`);
    assert.deepEqual(policy, { violated: 'script-src-elem', ran: false });
    const preferences = await launched.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>;
      };
      const { sandbox, contextIsolation, nodeIntegration } = contents.getLastWebPreferences();
      return { sandbox, contextIsolation, nodeIntegration };
    });
    assert.deepEqual(preferences, {
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    });
    consoleErrors.length = 0;
  });

  test('refuses calls with bad arguments', async () => {
    const replies = await page.evaluate(`Promise.all([
      ['copyApi', 'billing', 'token'],
      ['copyApi', { name: 'billing' }, 'url'],
      ['copyApi', () => 'billing', 'url'],
      ['copyApi', 'nothing-like-it', 'url'],
      ['activity', { limit: 1e9 }],
      ['activity', { user: 'x' }],
      ['copyRequestId', 'rm -rf /'],
      ['setRelay', 'file:///etc/passwd'],
      ['addToolKey', { name: 'x', secret: 'y' }],
      ['copyToolKey', 'key_000000000000', 'rm -rf /', 'secret'],
      ['saveSetting', 'relays', []],
      ['saveSetting', 'port', 70000],
      ['signIn', '../other'],
      ['signOut', 'right now'],
    ].map(([name, ...args]) => new Promise((resolve) => resolve(latchkey[name](...args))).then(
      (reply) => name + ' ' + (reply.ok ? 'ok' : reply.code),
      () => name + ' cannot cross',
    )))`);
    assert.deepEqual(replies, [
      'copyApi bad_usage',
      'copyApi bad_usage',
      'copyApi cannot cross',
      'copyApi unknown_api',
      'activity bad_usage',
      'activity bad_usage',
      'copyRequestId bad_usage',
      'setRelay bad_usage',
      'addToolKey bad_usage',
      'copyToolKey bad_usage',
      'saveSetting bad_usage',
      'saveSetting bad_settings',
      'signIn bad_usage',
      'signOut bad_usage',
    ]);
  });

  test('signs in from the tray; icon, tooltip, menu and window follow', async () => {
    const signedOut = await tray.icon();
    await tray.click('Sign in');
    await waitForTooltip('finish in your browser');
    await page.getByText('Finish in your browser').waitFor();
    await shoot('signing-in', 'light');
    await shoot('signing-in', 'dark');
    await wear(page, 'light');
    const signingIn = await tray.icon();
    const url = await eventually('the browser to open', async () => (await openedPages()).at(-1));
    const shownToPage = JSON.stringify(await snapshot());
    assert.ok(!shownToPage.includes(new URL(url).searchParams.get('state') ?? '?'));

    const alice = findPerson('alice');
    assert.ok(alice);
    // The person's browser: a real one wherever there is one.
    const browse = findChromium() === undefined ? signInWithFetch : signInWithChromium;
    await browse(url, alice.user, alice.password, {
      screenshot: await testOutput('signed-in-browser.png'),
    });
    assert.equal(await waitForTooltip('Ready'), `Latchkey: Ready: ${alice.name}`);
    const ready = await tray.icon();
    const pictures = new Set([signedOut, signingIn, ready].map(({ pixels }) => pixels));
    assert.equal(pictures.size, 3);
    await page.getByRole('article').first().waitFor();
    const labels = await eventually('the APIs in the menu', async () => {
      const found = await tray.labels();
      return found.includes('Copy as curl') ? found : undefined;
    });
    await page.getByText('try this in a terminal').waitFor();
    await shoot('nothing-yet', 'light');
    await shoot('nothing-yet', 'dark');
    await wear(page, 'light');
    assert.ok(labels.includes('Sign out') && !labels.includes('Sign in'));
  });

  test('copies from the tray, and the copied line works', async () => {
    const billing = (await snapshot()).apis.find((api) => api.name === 'billing');
    assert.ok(billing);
    await tray.click(billing.title, 'Copy as curl');
    const line = await eventually('the clipboard', async () => {
      const text = await launched.app.evaluate(({ clipboard }) => clipboard.readText());
      return text.startsWith('curl ') ? text : undefined;
    });
    assert.equal(line, billing.curl);
    const [, url = ''] = line.split(' ');
    const response = await fetch(url);
    assert.equal(response.status, 200, await response.clone().text());
    const requestId = response.headers.get('x-request-id') ?? '';
    await response.arrayBuffer();

    const row = page.locator(`[data-request-id="${requestId}"]`);
    await row.getByText('200').waitFor();
    assert.match(await row.innerText(), /GET/u);

    const refused = await fetch(`${billing.localUrl}/invoices/1`, { method: 'DELETE' });
    assert.ok(refused.status >= 400);
    await refused.arrayBuffer();
    const refusedId = refused.headers.get('x-request-id') ?? '';
    const refusedRow = page.locator(`[data-request-id="${refusedId}"]`);
    await refusedRow.getByText(String(refused.status)).waitFor();
    await page.getByLabel('Refused only').check();
    await row.waitFor({ state: 'detached' });
    await refusedRow.getByRole('button').click();
    await page.getByText(refusedId).waitFor();
    await shoot('activity-details', 'light');
    await shoot('activity-details', 'dark');
    await wear(page, 'light');
    await page.getByLabel('Refused only').uncheck();
    await refusedRow.getByRole('button').click();
    await shoot('ready', 'light');
    await shoot('ready', 'dark');
    await page.setViewportSize({ width: 800, height: 600 });
    // The page is laid out anew some frames later.
    await until('nothing sticks out', () =>
      page.evaluate<boolean>(
        `[document.documentElement, document.querySelector('main')].every(
          (element) => element.scrollWidth === element.clientWidth)`,
      ),
    );
    await shoot('ready-800', 'light');
  });

  test('makes a key that its tool can use, and ends it', async () => {
    await page.setViewportSize({ width: 960, height: 640 });
    await page.getByRole('tab', { name: 'Tool keys' }).click();
    await page.getByRole('button', { name: 'Add a key' }).click();
    await page.getByLabel('Name').fill('Nightly report');
    await page.getByLabel('Read-only').check();
    await page.getByRole('button', { name: 'Add the key' }).click();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    const key = await eventually('the clipboard', async () => {
      const text = await launched.app.evaluate(({ clipboard }) => clipboard.readText());
      return text.startsWith('lk_') ? text : undefined;
    });
    await page.getByRole('button', { name: 'Done' }).click();
    const [billing] = (await snapshot()).apis;
    assert.ok(billing);
    const ask = async (method: string): Promise<number> => {
      const headers = { 'X-Latchkey-Key': key, 'User-Agent': 'nightly/1.0' };
      const response = await fetch(`${billing.localUrl}/invoices`, { method, headers });
      await response.arrayBuffer();
      return response.status;
    };
    assert.deepEqual([await ask('GET'), await ask('DELETE')], [200, 403]);
    await page.getByText(/^just now/u).waitFor();
    await page.getByRole('button', { name: 'Revoke Nightly report' }).click();
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText('No keys yet').waitFor();
    assert.equal(await ask('GET'), 403);
    assert.deepEqual(await axeViolations(page), []);
  });

  test('changes a setting, stays signed in, and checks its own health', async () => {
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Change Patience with a sign-in' }).click();
    await page.getByRole('textbox', { name: 'Patience with a sign-in' }).fill('5');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('[data-setting="signIn.waitSeconds"]').getByText('Set by you').waitFor();
    await page.getByRole('status').getByText('Ready').waitFor();
    assert.deepEqual(await axeViolations(page), []);
    await page.getByRole('tab', { name: 'Health' }).click();
    await page.locator('[data-check="session"][data-outcome="ok"]').waitFor();
    await page.locator('[data-check="local-port"][data-outcome="ok"]').waitFor();
    await shoot('health', 'light');
    await shoot('health', 'dark');
    await wear(page, 'light');
    assert.deepEqual(await axeViolations(page), []);
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.getByRole('article').first().waitFor();
  });

  test('closes to the tray and comes back by menu, by click and by a second start', async () => {
    const closeWindow = async (): Promise<void> => {
      await launched.app.evaluate(({ BrowserWindow }) =>
        BrowserWindow.getAllWindows().forEach((window) => window.close()),
      );
      await waitForVisible(false);
    };
    await closeWindow();
    await tray.click('Open Latchkey');
    await waitForVisible(true);
    await closeWindow();
    await tray.activate();
    await waitForVisible(true);
    await closeWindow();

    const second = spawn(installedRuntime().executable, appArguments({ dataDir }), {
      env: appEnvironment({ dataDir }),
      stdio: 'ignore',
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      const timer = setTimeout(() => {
        second.kill('SIGKILL');
        reject(new Error('the second start did not end'));
      }, 120_000);
      second.once('exit', (status) => {
        clearTimeout(timer);
        resolve(status);
      });
    });
    assert.equal(code, 0);
    await waitForVisible(true);
  });

  test('keeps what it writes to itself, and nothing secret', async () => {
    assert.equal((await stat(dataDir)).mode & 0o077, 0);
    assert.ok(!/eyJ[\w-]{10}/u.test(launched.log()), 'a token in the log');
    assert.deepEqual(consoleErrors, []);
  });

  test('stays on its own page', async () => {
    const before = page.url();
    await page.evaluate(`void (location.href = 'https://example.com/')`);
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 500))');
    assert.equal(await page.evaluate('location.href'), before);
  });

  test('signs out from the tray and quits from the tray', async () => {
    await tray.click('Sign out');
    await waitForTooltip('Signed out');
    const ended = new Promise<number | null>((resolve) =>
      launched.app.process().once('exit', resolve),
    );
    // The app may be gone before it has answered the click.
    await tray
      .click('Quit')
      .catch((error: unknown) => assert.match(String(error), /disconnected/u));
    assert.equal(await ended, 0);
  });
});
