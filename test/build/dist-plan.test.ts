import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { planDist } from '../../build/packaging/plan.ts';

const official = { version: '45.4.1', official: true };
const other = { version: '33.2.1', official: false };
const everything = (): boolean => true;
const base = { dirOnly: false, has: everything } as const;

describe('what npm run dist builds', () => {
  test('with the official Electron: all targets of the platform', () => {
    const targets = (platform: NodeJS.Platform): unknown =>
      planDist({ ...base, platform, electron: official });
    assert.deepEqual(targets('linux'), { kind: 'release', targets: ['deb', 'AppImage'] });
    assert.deepEqual(targets('win32'), { kind: 'release', targets: ['nsis'] });
    assert.deepEqual(targets('darwin'), { kind: 'release', targets: ['dmg', 'zip'] });
    const dir = planDist({ ...base, platform: 'linux', electron: official, dirOnly: true });
    assert.deepEqual(dir, { kind: 'release', targets: ['dir'] });
  });

  test('with another Electron: on Linux a test build, which names what is left out', () => {
    const plan = planDist({ ...base, platform: 'linux', electron: other });
    assert.equal(plan.kind, 'test');
    assert.ok(plan.kind === 'test');
    assert.deepEqual(plan.targets, ['deb']);
    assert.equal(plan.electronVersion, '33.2.1');
    assert.deepEqual(
      plan.leftOut.map(({ target }) => target),
      ['AppImage'],
    );
  });

  test('without dpkg-deb: names the package, or builds the folder only', () => {
    const facts = { platform: 'linux', electron: other, has: () => false } as const;
    const plan = planDist({ ...facts, dirOnly: false });
    assert.ok(plan.kind === 'impossible');
    assert.match(plan.reason, /apt-get install dpkg/u);
    assert.equal(planDist({ ...facts, dirOnly: true }).kind, 'test');
  });

  test('elsewhere nothing is built on another Electron', () => {
    for (const platform of ['win32', 'darwin'] as const) {
      const plan = planDist({ ...base, platform, electron: other });
      assert.ok(plan.kind === 'impossible');
      assert.match(plan.reason, /official Electron/u);
    }
    const plan = planDist({ ...base, platform: 'freebsd', electron: official });
    assert.ok(plan.kind === 'impossible');
    assert.match(plan.reason, /freebsd/u);
  });

  test('bad usage ends with 2 and shows the options', async () => {
    const script = join(import.meta.dirname, '..', '..', 'build', 'dist.ts');
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [script, '--fast'], { timeout: 120_000 }, (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /--fast/u);
    assert.match(stderr, /usage: npm run dist/u);
  });
});
