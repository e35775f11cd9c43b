import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { sign } from '../../build/packaging/win-sign.ts';
import { inPath } from '../../build/test-tools.ts';

const run = promisify(execFile);
const names = ['PFX', 'PFX_PASSWORD', 'TSA', 'REQUIRE_SIGNING'].map((name) => `LATCHKEY_${name}`);
const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'node_modules/better-sqlite3/prebuilds/win32-x64.node');
const password = 'not-for-the-process-list';

/** Sets the hook's variables for one test; the others are unset. */
function setEnvironment(t: TestContext, values: Readonly<Record<string, string>>): void {
  const before = names.map((name) => [name, process.env[name]] as const);
  names.forEach((name) => delete process.env[name]);
  Object.assign(process.env, values);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

async function copyOfProgram(t: TestContext): Promise<{ dir: string; path: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-sign-test-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'a.exe');
  await copyFile(program, path);
  return { dir, path };
}

describe('signing for Windows', () => {
  test('without a certificate a file stays as it is, unless signing is required', async (t) => {
    const { path } = await copyOfProgram(t);
    const before = await readFile(path);
    setEnvironment(t, {});
    await sign({ path, hash: 'sha256', isNest: false });
    assert.deepEqual(await readFile(path), before);
    process.env['LATCHKEY_REQUIRE_SIGNING'] = '1';
    await assert.rejects(sign({ path, hash: 'sha256', isNest: false }), /LATCHKEY_PFX/u);
    process.env['LATCHKEY_PFX'] = 'key.pfx';
    await assert.rejects(sign({ path, hash: 'sha256', isNest: false }), /LATCHKEY_TSA/u);
  });

  const skip =
    inPath('osslsigncode') && inPath('openssl')
      ? false
      : 'osslsigncode or openssl is missing: install the packages of these names';

  test('a signed file verifies, a changed one does not', { skip }, async (t) => {
    const { dir, path } = await copyOfProgram(t);
    const file = (name: string): string => join(dir, name);
    const subject = ['-subj', '/CN=Latchkey test', '-addext', 'extendedKeyUsage=codeSigning'];
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', file('key.pem')];
    await run('openssl', ['req', '-x509', ...key, '-out', file('cert.pem'), ...subject]);
    const pair = ['-inkey', file('key.pem'), '-in', file('cert.pem'), '-out', file('key.pfx')];
    await run('openssl', ['pkcs12', '-export', ...pair, '-passout', `pass:${password}`]);
    setEnvironment(t, { LATCHKEY_PFX: file('key.pfx'), LATCHKEY_PFX_PASSWORD: password });
    await sign({ path, hash: 'sha256', isNest: false });
    assert.ok(!(await readdir(dir)).includes('a.exe.signed'));

    const verify = ['verify', '-CAfile', file('cert.pem')];
    await run('osslsigncode', [...verify, path]);
    const bytes = await readFile(path);
    bytes[0x1000] = (bytes[0x1000] ?? 0) ^ 1;
    await writeFile(file('changed.exe'), bytes);
    await assert.rejects(run('osslsigncode', [...verify, file('changed.exe')]));

    process.env['LATCHKEY_PFX_PASSWORD'] = 'wrong';
    await assert.rejects(sign({ path, hash: 'sha256', isNest: false }), (error: Error) => {
      assert.match(error.message, /could not sign a\.exe/u);
      assert.ok(!error.message.includes(password));
      return true;
    });
  });
});
