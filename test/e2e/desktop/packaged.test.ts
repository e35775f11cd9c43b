import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { extractFile, listPackage } from '@electron/asar';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { verifyLedger } from '../../../audit/verify.ts';
import { buildApp } from '../../../build/app.ts';
import { releaseConfig } from '../../../build/packaging/config.ts';
import { inPath } from '../../../build/test-tools.ts';
import {
  appEnvironment,
  electronSkipReason,
  eventually,
  installedRuntime,
} from '../../support/electron.ts';
import { startSniHost } from '../../support/sni-host.ts';
import { freePort } from '../../support/free-port.ts';

const run = promisify(execFile);
const projectDir = join(import.meta.dirname, '../../..');
const distTimeoutMs = 240_000;
const quitTimeoutMs = 60_000;
/** A fuse's state is one ASCII character in the executable. */
const fuseOff = '0'.codePointAt(0);
const fuseOn = '1'.codePointAt(0);

async function skipReason(): Promise<string | false> {
  const electron = await electronSkipReason();
  if (electron !== false) return electron;
  const reason =
    process.platform !== 'linux'
      ? 'the packaged app is tried on Linux only'
      : !process.env['DBUS_SESSION_BUS_ADDRESS']
        ? 'no D-Bus session: start under xvfb-run -a dbus-run-session --'
        : !inPath('dpkg-deb')
          ? 'dpkg-deb is missing: install the package dpkg'
          : undefined;
  if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason);
  return reason ?? false;
}

const skip = await skipReason();

/** The exit code, or the signal's name; null when the process does not end in time. */
async function ended(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return child.exitCode ?? child.signalCode;
  }
  const signal = AbortSignal.timeout(quitTimeoutMs);
  try {
    const [code, killedBy] = (await once(child, 'exit', { signal })) as [number | null, string];
    return code ?? killedBy;
  } catch {
    return null;
  }
}

describe('the packaged app', { skip }, () => {
  let work = '';
  let appDir = '';
  let deb: string | undefined;
  let report = '';

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'latchkey-packaged-'));
    const out = join(work, 'release');
    await buildApp();
    // With the official Electron an installer takes minutes, and the app inside is the same.
    const own = installedRuntime().native !== undefined;
    const script = join(projectDir, 'build', 'dist.ts');
    const args = [script, '--skip-build', '--out', out, ...(own ? [] : ['--dir'])];
    const options = { timeout: distTimeoutMs, maxBuffer: 16 * 1024 * 1024 };
    const { stdout, stderr } = await run(process.execPath, args, {
      ...options,
      env: { ...process.env, LATCHKEY_NO_DOWNLOAD: '1', LATCHKEY_DEB_LEVEL: '1' },
    });
    report = stdout + stderr;
    const name = (await readdir(out)).find((file) => file.endsWith('.deb'));
    if (name === undefined) {
      appDir = join(out, 'linux-unpacked');
      return;
    }
    deb = join(out, name);
    await run('dpkg-deb', ['-x', deb, join(work, 'root')], options);
    appDir = join(work, 'root', 'opt', 'Latchkey');
    await rm(join(out, 'linux-unpacked'), { recursive: true });
  });

  after(() => rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

  test('a build on another Electron says that it is none to ship', async (t) => {
    if (deb === undefined) return t.skip('built with the official Electron');
    assert.match(deb, /latchkey_.*-TEST-ONLY\.deb$/u);
    assert.match(report, /TEST BUILD on Electron 33\./u);
    assert.match(report, /leaving out AppImage: /u);
    const { stdout } = await run('dpkg-deb', ['-f', deb, 'Description']);
    assert.match(stdout, /TEST BUILD on Electron 33\./u);
  });

  test('the package installs files of root that only root can change', async (t) => {
    if (deb === undefined) return t.skip('no deb was built');
    const { stdout } = await run('dpkg-deb', ['-c', deb]);
    const lines = stdout.trim().split('\n');
    assert.ok(lines.length > 30, stdout);
    for (const line of lines) {
      assert.match(line, /^[-dl]rw[x-]r-[x-]r-[x-] root\/root /u);
      assert.match(line, / \.\/(?:$|opt\/|usr\/)/u);
    }
    const { stdout: fields } = await run('dpkg-deb', ['-f', deb]);
    assert.match(fields, /^Package: latchkey$/mu);
    assert.match(fields, /^Depends: libc6, libgtk-3-0, /mu);
    await run('dpkg-deb', ['-e', deb, join(work, 'control')]);
    for (const script of ['postinst', 'postrm']) {
      await run('bash', ['-n', join(work, 'control', script)]);
    }
    const entry = join(work, 'root', 'usr', 'share', 'applications', 'latchkey.desktop');
    assert.match(await readFile(entry, 'utf8'), /^Exec=\/opt\/Latchkey\/latchkey %U$/mu);
  });

  test('nothing but the app is packed, with one native module outside of the archive', async () => {
    const archive = join(appDir, 'resources', 'app.asar');
    const packed = listPackage(archive, { isPack: false });
    const tops = new Set(packed.map((file) => file.split('/')[1]));
    assert.deepEqual(tops, new Set(['LICENSE', 'dist', 'node_modules', 'package.json']));
    const modules = packed.filter((file) => /^\/node_modules\/[^/]+$/u.test(file));
    const native = installedRuntime().native === undefined ? [] : ['bindings', 'file-uri-to-path'];
    const expected = ['better-sqlite3', 'quickjs-wasi', ...native];
    assert.deepEqual(new Set(modules), new Set(expected.map((name) => `/node_modules/${name}`)));
    assert.deepEqual(
      packed.filter((file) => file.startsWith('/node_modules/quickjs-wasi/')).length,
      3,
      'of the proxy scripts’ sandbox, the sandbox alone',
    );
    assert.equal(packed.filter((file) => file.endsWith('.node')).length, 1);
    const unpacked = await readdir(`${archive}.unpacked`, { recursive: true });
    assert.equal(unpacked.filter((file) => file.endsWith('.node')).length, 1);
    const packedManifest = JSON.parse(extractFile(archive, 'package.json').toString()) as object;
    assert.ok(!('devDependencies' in packedManifest));
    const resources = await readdir(join(appDir, 'resources'));
    assert.ok(!resources.includes('default_app.asar'), resources.join());
  });

  test('the fuses are as electron-builder.yml sets them', async () => {
    const wire = await getCurrentFuseWire(join(appDir, 'latchkey'));
    const { electronFuses = {} } = await releaseConfig(projectDir);
    const entries = Object.entries(electronFuses ?? {});
    assert.equal(entries.length, 8);
    for (const [name, wanted] of entries) {
      const option = (name[0] ?? '').toUpperCase() + name.slice(1);
      const index = FuseV1Options[option as keyof typeof FuseV1Options];
      assert.notEqual(index, undefined, `no fuse ${option}`);
      assert.equal(wire[index], wanted === true ? fuseOn : fuseOff, name);
    }
    assert.equal(wire[FuseV1Options.RunAsNode], fuseOff);
  });

  test('it starts, shows its tray icon, opens its audit, serves its port and quits', async (t) => {
    const dataDir = join(work, 'data');
    const port = await freePort();
    const host = await startSniHost();
    t.after(() => host.close());
    const child = spawn(
      join(appDir, 'latchkey'),
      ['--no-sandbox', '--disable-gpu', '--hidden', `--data-dir=${dataDir}`, `--port=${port}`],
      { stdio: ['ignore', 'pipe', 'pipe'], env: appEnvironment({ dataDir }) },
    );
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    t.after(async () => {
      child.kill('SIGKILL');
      await ended(child);
    });
    try {
      const tray = await host.item();
      assert.match(await tray.tooltip(), /Latchkey/u);
      await eventually('the local port', async () => {
        const answer = await fetch(`http://localhost:${port}/.latchkey/status`).catch(() => null);
        if (answer === null) return undefined;
        const body = (await answer.json()) as { status?: string };
        assert.equal(answer.status, 200);
        assert.equal(body.status, 'signed-out');
        return body;
      });
      // The ledger opens only when better-sqlite3 loads from the archive.
      const segments = (await readdir(join(dataDir, 'audit'))).filter((f) =>
        /^audit-\d+\.sqlite$/u.test(f),
      );
      assert.equal(segments.length, 1);
      await eventually('the Quit line', async () =>
        (await tray.labels()).includes('Quit') ? true : undefined,
      );
      // The app may be gone before its answer is sent; the exit code shows that the click arrived.
      await tray.click('Quit').catch((error: unknown) => {
        assert.match(String(error), /without replying/u);
      });
      assert.equal(await ended(child), 0, 'the exit code');
    } catch (error) {
      throw new Error(`the packaged app wrote:\n${log.slice(-3000)}`, { cause: error });
    }
    const audit = await verifyLedger(join(dataDir, 'audit'));
    assert.ok(audit.ok, JSON.stringify(audit.faults));
    assert.ok(audit.records >= 2, 'start and stop are recorded');
    assert.equal((await stat(dataDir)).mode & 0o077, 0, 'others can look into the data folder');
  });
});
