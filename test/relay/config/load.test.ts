import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, formatFault } from '../../../relay/config/faults.ts';
import { loadConfig } from '../../../relay/config/load.ts';
import { GOOD, directory, faultLines, faultsOf, load, put } from '../../support/relay-yaml.ts';

test('applies the defaults, resolves paths, names the file by its hash and freezes all', async (t) => {
  const dir = await directory(t);
  const config = await loadConfig(await put(dir, 'relay.yaml', GOOD), { env: {} });
  assert.deepEqual(config.listen, [{ kind: 'tcp', host: '127.0.0.1', port: 8443 }]);
  assert.equal(config.management, undefined);
  assert.deepEqual(config.audit, {
    dir: join(dir, 'data/audit'),
    checkpointMs: 60_000,
    durability: 'process',
    retentionMs: 400 * 86_400_000,
    ip: 'full',
    sinks: [],
  });
  assert.deepEqual(config.limits, {
    headersBytes: 32_768,
    urlBytes: 8192,
    connections: 10_000,
    headersTimeoutMs: 10_000,
    bodyBytesPerSecond: 1024,
    bodyGraceMs: 10_000,
    failedAuthentications: { requests: 6000, perMs: 60_000 },
    rates: [],
  });
  const [issuer] = config.issuers;
  assert.deepEqual(issuer?.audience, ['https://relay.example.com']);
  assert.deepEqual(issuer.algorithms, ['RS256', 'PS256', 'ES256', 'EdDSA']);
  assert.equal(issuer.profile, 'strict');
  assert.equal(issuer.dpop, 'optional');
  assert.equal(issuer.clockToleranceMs, 30_000);
  assert.equal(issuer.maxStaleMs, 86_400_000);
  assert.deepEqual(issuer.claims, {
    user: 'sub',
    email: 'email',
    roles: 'roles',
    groups: 'groups',
  });
  const [api] = config.apis;
  assert.equal(api?.path, '/billing');
  assert.equal(api.title, 'billing');
  assert.deepEqual(api.upstreams, ['https://10.0.0.5:9001']);
  assert.deepEqual(api.timeouts, { connectMs: 3000, headersMs: 30_000, idleMs: 60_000 });
  assert.deepEqual(api.audit, { required: true, query: [] });
  assert.equal(api.limits.bodyBytes, 10 * 1024 * 1024);
  assert.deepEqual(api.rules, [
    {
      name: 'read',
      effect: 'allow',
      methods: ['GET'],
      paths: ['/invoices/**'],
      scopes: ['billing.read'],
    },
  ]);
  assert.equal(config.hash, createHash('sha256').update(GOOD).digest('hex'));
  assert.ok(Object.isFrozen(config) && Object.isFrozen(api.rules[0]?.methods));
});

test('tells five faults at once, each with its line', async (t) => {
  const text = `listen: 0.0.0.0:8443
publicURL: https://relay.example.com
issuers:
  - issuer: https://idp.example.com
    audience: [https://relay.example.com]
    algorithms: [HS256]
apis:
  billing:
    upstream: http://10.0.0.5:9001
    rules:
      - name: read
        allow:
          methods: [GET]
          methods: [POST]
`;
  const faults = await faultsOf(t, text);
  assert.deepEqual(
    faults.map(({ line, column, path }) => [line, column, path]),
    [
      [1, 9, 'listen'],
      [2, 1, 'publicURL'],
      [6, 18, 'issuers.0.algorithms.0'],
      [9, 15, 'apis.billing.upstream'],
      [14, 11, 'apis.billing.rules.0.allow.methods'],
    ],
  );
  assert.match(faults[1]?.message ?? '', /did you mean `publicUrl`/);
  const line = formatFault({ file: 'f.yaml', line: 1, column: 2, path: 'a.b', message: 'is bad' });
  assert.equal(line, 'f.yaml:1:2 a.b: is bad');
});

test('points at the key of an unknown key and at the parent of a missing one', async (t) => {
  const [unknown] = await faultsOf(t, `${GOOD}    limits:\n      bodyy: 1MB\n`);
  assert.deepEqual([unknown?.line, unknown?.column], [11, 7]);
  const lines = await faultLines(t, GOOD.replace('    upstream: https://10.0.0.5:9001\n', ''));
  assert.deepEqual(lines, [
    '5 apis.billing.upstream: is missing; it must be a URL or a list of URLs with at least one',
  ]);
});

test('expands variables in values, escapes $${ and faults what is unset or malformed, once', async (t) => {
  const text = GOOD.replace('https://idp.example.com', '${IDP}').replace(
    'billing.read',
    () => '"$${x}"',
  );
  const config = await load(t, text, { IDP: 'https://other.example.com' });
  assert.equal(config.issuers[0]?.issuer, 'https://other.example.com');
  assert.deepEqual(config.apis[0]?.rules[0]?.scopes, ['${x}']);
  const unset = await faultLines(t, text);
  assert.equal(unset.length, 1);
  assert.match(unset[0] ?? '', /^3 issuers\.0\.issuer: .*IDP is not set/);
  const [malformed] = await faultLines(t, GOOD.replace('https://idp.example.com', '"${a b}"'));
  assert.match(malformed ?? '', /malformed/);
});

test('never shows a value of the environment or the file in a fault', async (t) => {
  const faults = await faultLines(t, `${GOOD}listen: "\${SECRET}"\nstate: hunter2\n`, {
    SECRET: 'swordfish',
  });
  assert.equal(faults.length, 2);
  assert.doesNotMatch(faults.join('\n'), /swordfish|hunter2/);
});

test('refuses what is not plain YAML', async (t) => {
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [${'*a, '.repeat(10)}]\nc: &c [${'*b, '.repeat(10)}]\nd: [${'*c, '.repeat(10)}]\n`;
  assert.match((await faultLines(t, `${bomb}${GOOD}`)).join('\n'), /alias/);
  assert.match((await faultLines(t, `${GOOD}state: !custom memory\n`)).join('\n'), /^10 state/);
  assert.match((await faultLines(t, 'listen: [1\n')).join('\n'), /not usable YAML/);
  assert.match((await faultLines(t, `${GOOD}__proto__: { a: 1 }\n`)).join('\n'), /^10 __proto__/);
  assert.match((await faultLines(t, '- 1\n')).join('\n'), /^1 \(file\): must be a mapping/);
  assert.notEqual((await faultLines(t, '')).length, 0);
  for (const more of ['---\nnonsense: 1\n', '---\n', '...\nlisten: [\n'])
    assert.match(
      (await faultLines(t, `${GOOD}${more}`)).join('\n'),
      /^1\d \(file\): must be one document/,
      more,
    );
});

test('an aliased block is read and its faults are found', async (t) => {
  const text = GOOD.replace('upstream:', 'limits: &l { body: 1KB }\n    upstream:').concat(
    '  other:\n    upstream: https://10.0.0.6\n    limits: *l\n',
  );
  const config = await load(t, text);
  assert.equal(config.apis[1]?.limits.bodyBytes, 1024);
  assert.match(
    (await faultLines(t, text.replace('1KB', '1')))[0] ?? '',
    /^6 apis\.billing\.limits/,
  );
});

test('a file that is missing is a fault, not a crash', async (t) => {
  const file = join(await directory(t), 'none.yaml');
  await assert.rejects(loadConfig(file, { env: {} }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /none\.yaml:1:1 \(file\): the file does not exist/);
    return true;
  });
});

test('reads secrets next to the file, drops one newline, and refuses public, missing and empty ones', async (t) => {
  const dir = await directory(t);
  const file = await put(
    dir,
    'relay.yaml',
    `${GOOD}    request:\n      credentials: { basic: { username: legacy, passwordFile: p.txt } }\n`,
  );
  const fault = async (): Promise<string> =>
    loadConfig(file, { env: {} }).then(
      () => '',
      (error: Error) => error.message,
    );
  assert.match(await fault(), /:11:\d+ apis.*passwordFile: the file does not exist/);
  await put(dir, 'p.txt', 'open sesame\n', 0o640);
  assert.match(await fault(), /chmod 600/);
  assert.doesNotMatch(await fault(), /sesame/);
  await put(dir, 'p.txt', '\n');
  assert.match(await fault(), /is empty/);
  await put(dir, 'p.txt', 'a\nX-Injected: 1\n');
  assert.match(await fault(), /one line/);
  await put(dir, 'p.txt', 'open sesame\n');
  const config = await loadConfig(file, { env: {} });
  assert.deepEqual(config.apis[0]?.request.credentials, {
    kind: 'basic',
    username: 'legacy',
    password: 'open sesame',
  });
});

test('TLS files are found next to the file, and the key must be private', async (t) => {
  const dir = await directory(t);
  const text = `listen: 0.0.0.0:443\ntls: { certFile: c.pem, keyFile: k.pem }\n${GOOD}`;
  const file = await put(dir, 'relay.yaml', text);
  await put(dir, 'c.pem', '-----BEGIN CERTIFICATE-----', 0o644);
  await put(dir, 'k.pem', 'key', 0o644);
  await assert.rejects(loadConfig(file, { env: {} }), /tls\.keyFile: .*chmod 600/);
  await put(dir, 'k.pem', 'key');
  await assert.rejects(loadConfig(file, { env: {} }), /tls\.keyFile: .*no PEM block/);
  await put(dir, 'k.pem', '-----BEGIN EC PRIVATE KEY-----');
  await assert.rejects(loadConfig(file, { env: {} }), /tls\.keyFile: .*cannot be used/);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await put(dir, 'k.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const { tls } = await loadConfig(file, { env: {} });
  assert.deepEqual(tls, {
    certFile: join(dir, 'c.pem'),
    keyFile: join(dir, 'k.pem'),
    clientCertificates: false,
    additional: [],
  });
});

test('a file that is no UTF-8 is refused where it is not', async (t) => {
  const dir = await directory(t);
  const file = join(dir, 'relay.yaml');
  await writeFile(file, Buffer.from(GOOD.replace('name: read', 'name: "l\u00fcgen"'), 'latin1'));
  await assert.rejects(
    loadConfig(file, { env: {} }),
    /relay\.yaml:8:17 \(file\): is no UTF-8 here; save the file in that encoding/,
  );
});

test("the audit's key may be missing, but not public, nor of another kind", async (t) => {
  const dir = await directory(t);
  const file = await put(dir, 'relay.yaml', `${GOOD}audit: { dir: ./audit, keyFile: audit.key }\n`);
  assert.equal((await loadConfig(file, { env: {} })).audit.keyFile, join(dir, 'audit.key'));
  const pemOf = ({ privateKey }: { readonly privateKey: KeyObject }): string =>
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = pemOf(generateKeyPairSync('ed25519'));
  await put(dir, 'audit.key', key, 0o644);
  const place = /relay\.yaml:10:33 audit\.keyFile: the file /;
  const fault = async (): Promise<string> => {
    const error: unknown = await loadConfig(file, { env: {} }).catch((reason: unknown) => reason);
    assert.match(String(error), place);
    return String(error);
  };
  assert.match(await fault(), /chmod 600/);
  await put(dir, 'audit.key', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })));
  assert.match(await fault(), /must hold an Ed25519 key/);
  await put(dir, 'audit.key', 'nonsense');
  assert.match(await fault(), /no PEM block/);
  await put(dir, 'audit.key', key);
  const config = await loadConfig(file, { env: {} });
  assert.ok(!config.files.some((name) => name.endsWith('audit.key')), 'no reload looks at it');
});
