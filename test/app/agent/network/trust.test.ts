import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createTrust } from '../../../../app/main/agent/network/trust.ts';
import { createCertificate } from '../../../support/certificate.ts';

function fileOf(t: TestContext, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-trust-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'ca.pem');
  writeFileSync(file, text);
  return file;
}

test('the context is made once, and nothing is read before it is asked for', (t) => {
  const trust = createTrust(createCertificate(t).certFile);
  assert.equal(trust.secureContext(), trust.secureContext());
  createTrust('/nowhere/ca.pem');
});

test('several certificates in one file, with text between them', (t) => {
  const certs = [createCertificate(t, 'one').cert, createCertificate(t, 'two').cert];
  createTrust(fileOf(t, `# ours\r\n${certs.join('\ntext\n')}`)).secureContext();
});

test('a CA file of no use is told by its path and what is wrong', (t) => {
  const { key, cert } = createCertificate(t);
  const damaged = cert.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  const cases: readonly [string, RegExp][] = [
    ['/nowhere/ca.pem', /network\.caFile: \/nowhere\/ca\.pem cannot be read \(ENOENT\)/],
    [tmpdir(), /cannot be read \(EISDIR\)/],
    [fileOf(t, ''), /holds no certificate/],
    [fileOf(t, key), /holds no certificate/],
    [fileOf(t, `${cert}${damaged}`), /certificate 2 in .* is damaged/],
  ];
  for (const [file, expected] of cases) {
    assert.throws(
      () => createTrust(file).secureContext(),
      (error: Error) => expected.test(error.message) && !error.message.includes('PRIVATE'),
    );
  }
});
