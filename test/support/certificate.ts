import { execFileSync } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A self-signed certificate and its key. */
export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly der: Buffer;
  /** For a token's `cnf`: `x5t#S256`. */
  readonly thumbprint: string;
}

/** Makes one; its files go when the test ends. */
export function createCertificate(t: TestContext, name = 'localhost'): TestCertificate {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-certificate-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [certFile, keyFile] = [join(dir, 'a.crt'), join(dir, 'a.key')];
  const options = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -addext subjectAltName=DNS:${name},DNS:localhost,IP:127.0.0.1`;
  execFileSync(
    'openssl',
    [...options.split(' '), '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', certFile],
    { stdio: 'ignore' },
  );
  const cert = readFileSync(certFile, 'utf8');
  const der = new X509Certificate(cert).raw;
  return {
    cert,
    key: readFileSync(keyFile, 'utf8'),
    certFile,
    keyFile,
    der,
    thumbprint: createHash('sha256').update(der).digest('base64url'),
  };
}
