import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { openManagement } from '../../../relay/admin/listener.ts';
import { ConfigError } from '../../../relay/config/faults.ts';
import { writeKeyPair } from '../../support/operator.ts';
import { until } from '../../support/until.ts';

async function shownBy(url: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).fingerprint256;
}

test('the management listener speaks TLS, and takes a new certificate over', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-management-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [certFile, keyFile] = [join(dir, 'm.crt'), join(dir, 'm.key')];
  writeKeyPair(certFile, keyFile);
  const events: unknown[] = [];
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const listener = await openManagement(
    { listen, console: true, tls: { certFile, keyFile } },
    (_request, response) => response.end('here'),
    ({ event }) => events.push(event),
  );
  t.after(listener.close);
  assert.match(listener.url, /^https:/);
  const first = await shownBy(listener.url);
  writeKeyPair(certFile, keyFile);
  await until('the certificate is told of', () => events.length > 0);
  assert.deepEqual(events, ['management_certificate_replaced']);
  assert.notEqual(await shownBy(listener.url), first);

  await writeFile(certFile, 'no certificate');
  await until('the bad certificate is told of', () => events.length > 1);
  assert.deepEqual(events.at(-1), 'management_certificate_refused');
  assert.notEqual(await shownBy(listener.url), first, 'the last good one stays');
  const tls = { certFile, keyFile };
  await assert.rejects(
    openManagement(
      { listen, console: true, tls },
      () => undefined,
      () => undefined,
    ),
    ConfigError,
  );
  assert.equal(await readFile(certFile, 'utf8'), 'no certificate');
});
