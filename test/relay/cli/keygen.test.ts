import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { keygen } from '../../../relay/cli/keygen.ts';

test('keygen makes keys that only their owner can read, and never replaces one', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-keygen-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const stderr = new PassThrough();
  const io = { stdout: new PassThrough(), stderr, env: {} };
  const assertion = join(dir, 'a.pem');
  assert.equal(keygen(['--out', assertion], io), 0);
  const key = createPrivateKey(readFileSync(assertion));
  assert.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.equal(statSync(assertion).mode & 0o777, 0o600);
  const before = readFileSync(assertion, 'utf8');
  assert.equal(keygen(['--out', assertion], io), 1);
  assert.equal(readFileSync(assertion, 'utf8'), before);
  assert.match(String(stderr.read()), /there already/);
  const checkpoint = join(dir, 'c.pem');
  assert.equal(keygen(['--out', checkpoint, '--type', 'checkpoint'], io), 0);
  assert.equal(createPrivateKey(readFileSync(checkpoint)).asymmetricKeyType, 'ed25519');
  assert.equal(keygen(['--type', 'assertion'], io), 2);
  assert.equal(keygen(['--out', join(dir, 'x'), '--type', 'rsa'], io), 2);
});
