import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';

test('the metadata names what the app needs, and nothing private', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await fetch(`${bench.relay.url}/.well-known/oauth-protected-resource`);
  assert.equal(answer.status, 200);
  const document = (await answer.json()) as Record<string, unknown>;
  assert.equal(document['resource'], bench.relay.url);
  assert.deepEqual(document['authorization_servers'], [bench.issuer.issuer]);
  assert.deepEqual(document['bearer_methods_supported'], ['header']);
  assert.doesNotMatch(JSON.stringify(document), /upstream/);
});

test('who calls and what they may use is told to them only', async (t) => {
  const bench = await createRelayBench(t);
  const headers = { authorization: `Bearer ${await bench.token({ email: 'ann@example.com' })}` };
  const own = async (path: string): Promise<Record<string, unknown>> =>
    (await (await fetch(bench.relay.url + path, { headers })).json()) as Record<string, unknown>;
  assert.equal((await own('/.latchkey/whoami'))['email'], 'ann@example.com');
  const { apis } = (await own('/.latchkey/apis')) as { apis: { name: string; rules: unknown[] }[] };
  assert.deepEqual(
    apis.map(({ name }) => name),
    ['x'],
  );
  const nobody = await fetch(`${bench.relay.url}/.latchkey/apis`);
  assert.equal(nobody.status, 401);
  const poor = await fetch(`${bench.relay.url}/.latchkey/apis`, {
    headers: { authorization: `Bearer ${await bench.token({ scope: 'other' })}` },
  });
  assert.deepEqual(((await poor.json()) as { apis: unknown[] }).apis, []);
});

test('paths are not enumerable without a token, and nothing private is public', async (t) => {
  const bench = await createRelayBench(t);
  for (const path of [
    '/',
    '/x',
    '/nowhere',
    '/metrics',
    '/readyz',
    '/.latchkey/x',
    '/.well-known/x',
  ]) {
    const answer = await fetch(bench.relay.url + path, {
      headers: { 'user-agent': 'kube-probe/1' },
    });
    await answer.text();
    assert.equal(answer.status, 401, path);
    assert.match(answer.headers.get('www-authenticate') ?? '', /resource_metadata="/);
  }
});

test('a request id that was used before is replaced', async (t) => {
  const bench = await createRelayBench(t);
  const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const ids: (string | null)[] = [];
  for (const sent of [id, id, 'nonsense']) {
    const answer = await fetch(`${bench.relay.url}/x/1`, {
      headers: { authorization: `Bearer ${await bench.token()}`, 'x-request-id': sent },
    });
    await answer.text();
    ids.push(answer.headers.get('x-request-id'));
  }
  assert.equal(ids[0], id);
  assert.equal(new Set(ids).size, 3);
});

test('transport failures have their codes, and the connection can be used again', async (t) => {
  const silent = await createRawUpstream(() => {});
  const bench = await createRelayBench(t, {
    upstream: silent,
    api: '    timeouts: { connect: 30s, headers: 1s }',
  });
  const answer = await fetch(`${bench.relay.url}/x/1`, {
    headers: { authorization: `Bearer ${await bench.token()}` },
  });
  assert.equal(answer.status, 504);
  assert.equal(((await answer.json()) as { code: string }).code, 'upstream_timeout');
});

test('headers over the limit get 431, a URL over it 414', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const long = await sendRaw(
    bench.relay.url,
    `GET /x/${'a'.repeat(9_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  );
  assert.equal(statusOf(long), 414);
  const longer = await sendRaw(bench.relay.url, `GET /x/${'a'.repeat(40_000)} HTTP/1.1\r\n`);
  assert.equal(statusOf(longer), 414, 'also beyond what all headers may take');
  const many = await sendRaw(
    bench.relay.url,
    `GET /x HTTP/1.1\r\nHost: ${host}\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`,
  );
  assert.equal(statusOf(many), 431);
});

test('the management listener answers its own host and no web page', async (t) => {
  const bench = await createRelayBench(t);
  const management = String(bench.relay.management);
  const get = (headers: Record<string, string>): Promise<string> =>
    sendRaw(
      management,
      `GET /readyz HTTP/1.1\r\n${Object.entries({ Host: new URL(management).host, ...headers })
        .map(([name, value]) => `${name}: ${value}`)
        .join('\r\n')}\r\n\r\n`,
    );
  assert.equal(statusOf(await get({})), 200);
  assert.equal(statusOf(await get({ Host: 'evil.example' })), 403);
  assert.equal(statusOf(await get({ Origin: 'https://evil.example' })), 403);
  const config = (await (await fetch(`${management}/config`)).json()) as { hash: string };
  assert.match(config.hash, /^[0-9a-f]{64}$/);
});

test('with TLS the relay is reached over https', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-tls-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [cert, key] = [join(dir, 'relay.crt'), join(dir, 'relay.key')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  const bench = await createRelayBench(t, {
    top: `tls: { certFile: ${cert}, keyFile: ${key} }`,
  });
  const token = await bench.token();
  const status = await new Promise((resolve, reject) => {
    https
      .get(
        `${bench.relay.url}/x/1`,
        { ca: readFileSync(cert), headers: { authorization: `Bearer ${token}` } },
        (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode));
        },
      )
      .on('error', reject);
  });
  assert.equal(status, 200);
  assert.match(bench.upstream.received().join(''), /\r\nX-Forwarded-Proto: https\r\n/);
});
