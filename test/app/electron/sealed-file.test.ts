import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createSealedFile } from '../../../app/main/electron/sealed-file.ts';
import type { Seal } from '../../../app/main/electron/sealed-file.ts';
import { webAddress } from '../../../app/main/electron/web-address.ts';

const seal: Seal = {
  encrypt: (text) => Buffer.from(`sealed:${Buffer.from(text).toString('hex')}`),
  decrypt(sealed) {
    const [mark, hex = ''] = sealed.toString().split(':');
    if (mark !== 'sealed') throw new Error('wrong key');
    return Buffer.from(hex, 'hex').toString();
  },
};

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-vault-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test('keeps a text sealed, for this user only, and forgets it', async (t) => {
  const file = join(await folder(t), 'session.sealed');
  const vault = createSealedFile(file, seal, assert.fail);
  assert.equal(await vault.load(), undefined);
  await vault.save('refresh-token-1');
  await vault.save('refresh-token-2');
  assert.equal(await createSealedFile(file, seal, assert.fail).load(), 'refresh-token-2');
  assert.ok(!(await readFile(file, 'utf8')).includes('refresh-token'));
  if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(file, '..')), ['session.sealed']);
  await vault.clear();
  await vault.clear();
  assert.equal(await vault.load(), undefined);
});

test('a file sealed for somebody else counts as none, and the old one survives a failed save', async (t) => {
  const file = join(await folder(t), 'session.sealed');
  await writeFile(file, 'other:00');
  const reasons: string[] = [];
  const vault = createSealedFile(file, seal, (reason) => reasons.push(reason));
  assert.equal(await vault.load(), undefined);
  assert.equal(reasons.length, 1);
  await vault.save('first');
  const broken = createSealedFile(
    file,
    {
      ...seal,
      encrypt() {
        throw new Error('keychain locked');
      },
    },
    assert.fail,
  );
  await assert.rejects(broken.save('second'), /keychain locked/u);
  assert.equal(await vault.load(), 'first');
});

test('a leftover of a crash does not stop the next save', async (t) => {
  const file = join(await folder(t), 'session.sealed');
  await writeFile(`${file}.new`, 'half');
  const vault = createSealedFile(file, seal, assert.fail);
  await vault.save('whole');
  assert.equal(await vault.load(), 'whole');
});

test('only web pages are handed to the browser', () => {
  assert.equal(webAddress('https://docs.example.com/x?y#z'), 'https://docs.example.com/x?y#z');
  assert.equal(webAddress('http://127.0.0.1:3000/'), 'http://127.0.0.1:3000/');
  for (const bad of [
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ms-msdt:/id',
    'smb://host/share',
    'latchkey-ui://app/',
    'https://user:pw@example.com/',
    'not a url',
    '',
  ]) {
    assert.throws(() => webAddress(bad), { code: 'bad_usage' }, bad);
  }
});
