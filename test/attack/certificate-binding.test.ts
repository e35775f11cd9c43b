import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { type TestCertificate, createCertificate } from '../support/certificate.ts';
import { createProofKey, proof } from '../support/dpop.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

const PUBLIC = 'https://relay.test';

interface Showing {
  readonly certificate?: TestCertificate;
  readonly version?: 'TLSv1.2' | 'TLSv1.3';
  readonly session?: Buffer;
  readonly onSession?: (session: Buffer) => void;
}

const request = (bench: RelayBench, fields: readonly string[]): string =>
  [
    'GET /x/a HTTP/1.1',
    `Host: ${new URL(bench.relay.url).host}`,
    'Connection: close',
    ...fields,
    '',
    '',
  ].join('\r\n');

/** Sends one request over TLS and reads until the relay closes. */
function send(
  bench: RelayBench,
  fields: readonly string[],
  showing: Showing = {},
): Promise<string> {
  const { certificate, version, session, onSession } = showing;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(bench.relay.url).port),
      // The relay's own certificate is not what is tested here.
      rejectUnauthorized: false,
      ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
      ...(session === undefined ? {} : { session }),
    });
    let answer = '';
    socket.setTimeout(60_000, () => socket.destroy(new Error('the relay did not answer')));
    if (onSession !== undefined) socket.on('session', onSession);
    socket.on('secureConnect', () => socket.write(request(bench, fields)));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

async function withTls(t: TestContext, tls = ', clientCertificates: request'): Promise<RelayBench> {
  const { certFile, keyFile } = createCertificate(t);
  return await createRelayBench(t, {
    top: `publicUrl: ${PUBLIC}\ntls: { certFile: ${certFile}, keyFile: ${keyFile}${tls} }`,
  });
}

function assertUnbound(answer: string, what: string): void {
  assert.equal(statusOf(answer), 401, what);
  assert.equal(codeOf(answer), 'token_binding', what);
  assert.match(
    answer,
    /^www-authenticate: Bearer realm="latchkey", error="invalid_token", resource_metadata="/im,
    what,
  );
  assert.match(answer, /^cache-control: no-store\r$/im, what);
}

const bearer = (token: string): string => `Authorization: Bearer ${token}`;

test('case 30: a token bound to a certificate is worth nothing without it, or with another', async (t) => {
  const bench = await withTls(t);
  const [ann, thief] = [createCertificate(t, 'ann'), createCertificate(t, 'ann')];
  const token = await bench.token({ cnf: { 'x5t#S256': ann.thumbprint } });
  const field = `Client-Cert: :${ann.der.toString('base64')}:`;
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    assertUnbound(await send(bench, [bearer(token)], { version }), 'no certificate');
    const stolen = await send(bench, [bearer(token)], { version, certificate: thief });
    assertUnbound(stolen, 'another certificate');
    assertUnbound(await send(bench, [bearer(token), field], { version }), 'a field of its own');
  }
  assert.equal(bench.upstream.requests(), 0);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    assert.equal(statusOf(await send(bench, [bearer(token)], { version, certificate: ann })), 200);
  assert.equal(bench.upstream.requests(), 2);
  const unbound = await bench.token();
  assert.equal(statusOf(await send(bench, [bearer(unbound)])), 200, 'asked for, not required');
});

test('case 30: a session resumed without the certificate shows none', async (t) => {
  const bench = await withTls(t);
  const ann = createCertificate(t, 'ann');
  const token = await bench.token({ cnf: { 'x5t#S256': ann.thumbprint } });
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const sessions: Buffer[] = [];
    const first = await send(bench, [bearer(token)], {
      version,
      certificate: ann,
      onSession: (session) => sessions.push(session),
    });
    assert.equal(statusOf(first), 200);
    const session = sessions.at(-1);
    const resumed = { version, ...(session === undefined ? {} : { session }) };
    assertUnbound(await send(bench, [bearer(token)], resumed), version);
    const again = await send(bench, [bearer(token)], { ...resumed, certificate: ann });
    assert.equal(statusOf(again), 200, `${version}: whoever has the key goes on`);
  }
  assert.equal(bench.upstream.requests(), 4);
});

test('case 30: where no certificate is asked for, no bound token is accepted', async (t) => {
  const bench = await withTls(t, '');
  const ann = createCertificate(t, 'ann');
  const token = await bench.token({ cnf: { 'x5t#S256': ann.thumbprint } });
  assertUnbound(await send(bench, [bearer(token)], { certificate: ann }), 'not asked for');
  assert.equal(bench.upstream.requests(), 0);
});

test('a token bound to a key and a certificate needs both', async (t) => {
  const bench = await withTls(t);
  const ann = createCertificate(t, 'ann');
  const key = await createProofKey();
  const token = await bench.token({ cnf: { jkt: key.jkt, 'x5t#S256': ann.thumbprint } });
  const dpop = `Authorization: DPoP ${token}`;
  const prove = async (): Promise<string> =>
    `DPoP: ${await proof({ key, url: `${PUBLIC}/x/a`, token })}`;
  const without = await send(bench, [dpop, await prove()]);
  assert.equal(codeOf(without), 'token_binding');
  const unproven = await send(bench, [dpop], { certificate: ann });
  assert.equal(codeOf(unproven), 'dpop_proof');
  const asBearer = await send(bench, [bearer(token)], { certificate: ann });
  assert.equal(codeOf(asBearer), 'token_binding');
  assert.equal(bench.upstream.requests(), 0);
  assert.equal(statusOf(await send(bench, [dpop, await prove()], { certificate: ann })), 200);
});

test('case 30: the field counts from trusted proxies only, and no API ever sees it', async (t) => {
  const ann = createCertificate(t, 'ann');
  const value = `:${ann.der.toString('base64')}:`;
  const fields = [
    `X-SSL-Cert: ${value}`,
    `x_ssl_cert: ${value}`,
    `X.SSL.Cert: ${value}`,
    `Client-Cert: ${value}`,
    `Client_Cert: ${value}`,
    `Client-Cert-Chain: ${value}`,
  ];
  for (const trusted of ['127.0.0.1/32', '192.0.2.0/24']) {
    const bench = await createRelayBench(t, {
      top: `publicUrl: ${PUBLIC}\ntrustedProxies: [${trusted}]\nclientCertificateHeader: X-SSL-Cert`,
    });
    const token = await bench.token({ cnf: { 'x5t#S256': ann.thumbprint } });
    const ask = (...more: readonly string[]): Promise<string> =>
      sendRaw(bench.relay.url, request(bench, [bearer(token), ...more]));
    const believed = trusted.startsWith('127.');
    const shown = await ask(...fields);
    if (believed) assert.equal(statusOf(shown), 200);
    else assertUnbound(shown, 'not a trusted proxy');
    assertUnbound(await ask(), 'nothing passed on');
    assertUnbound(await ask(...fields.slice(1)), 'other spellings');
    assertUnbound(await ask(fields[0] ?? '', fields[0] ?? ''), 'twice');
    const unbound = bearer(await bench.token());
    const free = await sendRaw(bench.relay.url, request(bench, [unbound, ...fields]));
    assert.equal(statusOf(free), 200);
    assert.equal(bench.upstream.requests(), believed ? 2 : 1);
    assert.doesNotMatch(bench.upstream.received().join(''), /ssl.cert|client.cert/i);
  }
});
