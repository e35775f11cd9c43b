import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Configuration } from 'electron-builder';
import { releaseConfig, testConfig } from '../../build/packaging/config.ts';

const root = join(import.meta.dirname, '..', '..');
const release = await releaseConfig(root);

/** electron-builder's own check of a configuration, which its types do not show. */
const { validateConfiguration } = createRequire(import.meta.url)(
  'app-builder-lib/out/util/config/config.js',
) as {
  validateConfiguration(config: Configuration, log: { isEnabled: boolean }): Promise<void>;
};
const validate = (config: Configuration): Promise<void> =>
  validateConfiguration(structuredClone(config), { isEnabled: false });

describe('electron-builder.yml', () => {
  test('is accepted by electron-builder, which refuses unknown keys', async () => {
    await validate(release);
    const wrong = { ...release, electronFuse: {} } as Configuration;
    await assert.rejects(validate(wrong), /electronFuse/u);
  });

  test('closes each door that a fuse can close', () => {
    const { electronFuses: fuses } = release;
    assert.ok(fuses);
    assert.equal(fuses.runAsNode, false);
    assert.equal(fuses.enableNodeOptionsEnvironmentVariable, false);
    assert.equal(fuses.enableNodeCliInspectArguments, false);
    assert.equal(fuses.grantFileProtocolExtraPrivileges, false);
    assert.equal(fuses.onlyLoadAppFromAsar, true);
    assert.equal(fuses.enableEmbeddedAsarIntegrityValidation, true);
    assert.equal(fuses.enableCookieEncryption, true);
  });

  test('signs on Windows and macOS, per machine and with the hardened runtime', () => {
    assert.equal(release.nsis?.perMachine, true);
    assert.equal(release.win?.signtoolOptions?.sign, './build/packaging/win-sign.ts');
    assert.equal(release.mac?.hardenedRuntime, true);
    assert.equal(release.mac?.notarize, true);
  });

  test('names files that exist', () => {
    const { mac, win, linux } = release;
    const named = [mac?.icon, win?.icon, linux?.icon, mac?.entitlements, mac?.entitlementsInherit];
    for (const file of [...named, 'build/packaging/win-sign.ts', 'LICENSE']) {
      assert.ok(typeof file === 'string' && existsSync(join(root, file)), String(file));
    }
    const prebuilds = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-x64'];
    for (const name of [...prebuilds, 'darwin-arm64']) {
      const file = join(root, 'node_modules', 'better-sqlite3', 'prebuilds', `${name}.node`);
      assert.ok(existsSync(file), file);
    }
  });
});

describe('the configuration of a test build', () => {
  test('keeps fuses and files, marks the package, publishes nothing', async (t) => {
    const native = await mkdtemp(join(tmpdir(), 'latchkey-native-'));
    t.after(() => rm(native, { recursive: true, force: true }));
    for (const name of ['better-sqlite3', 'bindings']) await mkdir(join(native, name));
    const config = testConfig(release, { version: '33.2.1', dist: '/x/dist', native });
    await validate(config);
    assert.deepEqual(config.electronFuses, release.electronFuses);
    assert.equal(config.publish, null);
    assert.equal(config.electronVersion, '33.2.1');
    assert.match(config.deb?.artifactName ?? '', /TEST-ONLY/u);
    assert.match(config.linux?.description ?? '', /^TEST BUILD on Electron 33\.2\.1/u);
    const files = JSON.stringify([config.files, config.linux?.files]);
    assert.ok(!files.includes('"from":"node_modules/better-sqlite3'), files);
    assert.ok(files.includes(join(native, 'better-sqlite3')), files);
    assert.ok(files.includes('dist/renderer/**'), files);
    assert.equal(release.electronVersion, undefined, 'the release stays as it was');
  });

  test('packs the project’s own better-sqlite3 where the runtime brings none', () => {
    const config = testConfig(release, { version: '45.0.0', dist: '/x/dist' });
    assert.deepEqual(config.files, release.files);
    assert.deepEqual(config.linux?.files, release.linux?.files);
  });
});
