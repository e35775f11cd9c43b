import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { parseDesktopEntry } from '../../../app/main/electron/desktop-entry.ts';
import {
  appArguments,
  appEnvironment,
  electronSkipReason,
  eventually,
  installedRuntime,
  launchApp,
} from '../../support/electron.ts';
import type { LaunchedApp, LaunchOptions } from '../../support/electron.ts';
import { startSniHost } from '../../support/sni-host.ts';
import type { SniHost } from '../../support/sni-host.ts';

const skip = await electronSkipReason();

describe('start at login', { skip }, () => {
  let options: LaunchOptions;
  let host: SniHost;
  let launched: LaunchedApp;
  let page: Page;

  before(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-login $x '));
    // Nobody answers there: at login there may be no network yet.
    const relay = 'https://localhost:1';
    options = { dataDir, relay, env: { XDG_CONFIG_HOME: join(dataDir, 'config') } };
    host = await startSniHost();
    launched = await launchApp(options);
    page = await launched.page();
  });

  after(async () => {
    await launched?.close();
    host?.close();
    await rm(options.dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  const entry = (): Promise<string> =>
    readFile(join(options.dataDir, 'config', 'autostart', 'latchkey.desktop'), 'utf8');

  const save = async (wanted: boolean): Promise<void> => {
    const row = page.locator('[data-setting="launchAtLogin"]');
    await row.getByRole('button', { name: 'Change Start at login' }).click();
    await row.getByRole('switch').setChecked(wanted);
    await row.getByRole('button', { name: 'Save' }).click();
    await row.getByText(wanted ? 'on' : 'off', { exact: true }).waitFor();
    await eventually('the entry to follow', async () => {
      const isThere = await entry().then(
        () => true,
        () => false,
      );
      return isThere === wanted || undefined;
    });
  };

  const visibleWindows = async (): Promise<number> =>
    launched.app.evaluate(
      ({ BrowserWindow }) => BrowserWindow.getAllWindows().filter((one) => one.isVisible()).length,
    );

  const waitForWindows = (count: number): Promise<true> =>
    eventually(`${count} windows`, async () => (await visibleWindows()) === count || undefined);

  /** Rejects when the second app does not end with 0. */
  const startAgain = (...args: readonly string[]) =>
    promisify(execFile)(installedRuntime().executable, appArguments({ ...options, args }), {
      env: appEnvironment(options),
      timeout: 120_000,
    });

  test('the switch in the window writes the entry, and removes it', async () => {
    await page.getByRole('tab', { name: 'Settings' }).click();
    await assert.rejects(entry(), { code: 'ENOENT' });
    await save(true);
    await save(false);
    await assert.rejects(entry(), { code: 'ENOENT' });
    await save(true);
    const [, , mainFile] = appArguments(options);
    const { dataDir } = options;
    assert.deepEqual(parseDesktopEntry(await entry()), {
      command: [installedRuntime().executable, mainFile, '--hidden', `--data-dir=${dataDir}`],
      isEnabled: true,
      dataDir,
    });
  });

  test('an app that runs already is not brought to the front by it', async () => {
    await launched.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().forEach((window) => window.close()),
    );
    await waitForWindows(0);
    await startAgain('--hidden');
    await sleep(500);
    assert.equal(await visibleWindows(), 0);
    await startAgain();
    await waitForWindows(1);
  });

  test('what the entry starts shows no window, though nobody is signed in; the tray tells', async () => {
    await launched.close();
    const [program, script, ...args] = parseDesktopEntry(await entry()).command;
    assert.deepEqual([program, script], [installedRuntime().executable, appArguments(options)[2]]);
    launched = await launchApp({ ...options, args });
    const ended = once(launched.app.process(), 'exit');
    const tray = await eventually('the tray', async () => {
      const item = await host.item();
      // Until the new one registers, the host knows the icon of the app that has ended.
      const labels: readonly string[] = await item.labels().catch(() => []);
      return labels.includes('Sign in') ? item : undefined;
    });
    await sleep(1_000);
    assert.equal(await visibleWindows(), 0);
    await tray.click('Open Latchkey');
    await waitForWindows(1);
    // The app may be gone before it has answered the click; the exit code tells that it arrived.
    await tray.click('Quit').catch(() => undefined);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(parseDesktopEntry(await entry()).isEnabled, true);
  });
});
