import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import dbus from 'dbus-next';
import type { SnapshotView } from '../../../app/main/ipc/contract.ts';
import { inPath } from '../../../build/test-tools.ts';
import { useCompany } from '../../support/company.ts';
import {
  electronSkipReason,
  eventually,
  launchApp,
  type LaunchedApp,
} from '../../support/electron.ts';
import { hasOwner } from '../../support/session-bus.ts';
import { signInWithFetch } from '../../support/sign-in.ts';
import { until } from '../../support/until.ts';

const keyring = 'gnome-keyring-daemon';
const skip =
  (await electronSkipReason()) ||
  (process.platform !== 'linux' && 'the keychain is started by hand on Linux only') ||
  (!inPath(keyring, process.env) && `install the package gnome-keyring (${keyring})`);
if (typeof skip === 'string' && process.env['CI'] === 'true') throw new Error(skip);

async function isKeychainThere(): Promise<boolean> {
  const bus = dbus.sessionBus();
  try {
    return await hasOwner(bus, 'org.freedesktop.secrets');
  } finally {
    bus.disconnect();
  }
}

describe('a session sealed by the operating system’s keychain', { skip }, () => {
  const company = useCompany();
  let dataDir: string;
  let keyringDir: string;
  let daemon: ChildProcess | undefined;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'latchkey-sealed-'));
    keyringDir = await mkdtemp(join(tmpdir(), 'latchkey-keyring-'));
    daemon = spawn(keyring, ['--unlock', '--components=secrets', '--foreground'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...process.env, XDG_DATA_HOME: keyringDir, XDG_RUNTIME_DIR: keyringDir },
    });
    daemon.stdin?.end('test');
    // An app that looks sooner finds no keychain, and keeps its session in memory.
    await until('the keychain is on the bus', isKeychainThere);
  });
  after(async () => {
    if (daemon !== undefined && daemon.exitCode === null && daemon.signalCode === null) {
      const ended = once(daemon, 'exit');
      daemon.kill();
      await ended;
    }
    for (const dir of [dataDir, keyringDir])
      await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  const launch = (): Promise<LaunchedApp> =>
    launchApp({
      dataDir,
      relay: company().relayUrl,
      args: ['--password-store=gnome-libsecret'],
      env: { XDG_DATA_HOME: keyringDir, XDG_RUNTIME_DIR: keyringDir },
    });

  async function snapshot(launched: LaunchedApp): Promise<SnapshotView> {
    const page = await launched.page();
    return page.evaluate<SnapshotView>('latchkey.getSnapshot().then((reply) => reply.value)');
  }

  test('is kept over a restart, and no token lies open on the disk', async () => {
    const first = await launch();
    try {
      assert.equal((await snapshot(first)).store, 'sealed');
      await first.app.evaluate(({ shell }) => {
        shell.openExternal = (url: string): Promise<void> => {
          Object.assign(globalThis, { opened: url });
          return Promise.resolve();
        };
      });
      const page = await first.page();
      await page.getByRole('button', { name: 'Sign in' }).click();
      const url = await eventually('the browser to open', async () =>
        first.app.evaluate(() => (globalThis as unknown as { opened?: string }).opened),
      );
      await signInWithFetch(url, 'alice', 'alice-demo');
      await eventually('the session', async () =>
        (await snapshot(first)).status === 'ready' ? true : undefined,
      );
    } finally {
      await first.close();
    }
    const file = join(dataDir, 'session.sealed');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const sealed = await readFile(file, 'latin1');
    assert.doesNotMatch(sealed, /eyJ|refresh|alice/i);

    const second = await launch();
    try {
      const restored = await eventually('the restored session', async () => {
        const now = await snapshot(second);
        return now.status === 'ready' ? now : undefined;
      });
      assert.equal(restored.user?.name, 'Alice Archer');
    } finally {
      await second.close();
    }
  });
});
