import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeConfig } from '../../../relay/config/describe.ts';
import { writeKeyPair } from '../../support/operator.ts';
import { directory, faultLines, GOOD, load, put } from '../../support/relay-yaml.ts';

const SIGN_IN = `
  signIn: { issuer: https://idp.example.com, clientId: console, role: auditor }`;

test('a sign-in has safe defaults, and a public client needs no secret', async (t) => {
  const { management } = await load(t, `${GOOD}management:\n  listen: 127.0.0.1:9390${SIGN_IN}\n`);
  assert.deepEqual(management, {
    listen: { kind: 'tcp', host: '127.0.0.1', port: 9390 },
    console: true,
    signIn: {
      issuer: 'https://idp.example.com',
      clientId: 'console',
      scopes: ['openid', 'profile', 'email'],
      role: 'auditor',
      rolesClaim: 'roles',
      idleMs: 900_000,
      sessionMs: 28_800_000,
    },
  });
});

test('the client’s secret is read from its file, and never shown', async (t) => {
  const dir = await directory(t);
  const secret = await put(dir, 'console.secret', 'between-us');
  const config = await load(
    t,
    `${GOOD}management:
  listen: 127.0.0.1:9390
  signIn: { issuer: https://idp.example.com, clientId: console, role: auditor, clientSecretFile: ${secret} }
`,
  );
  assert.deepEqual(config.management?.signIn?.authentication, {
    kind: 'client_secret_basic',
    secret: 'between-us',
  });
  assert.doesNotMatch(describeConfig(config), /between-us/);
  assert.ok(config.files.includes(secret));
});

test('the client’s secret is sent as the file says', async (t) => {
  const dir = await directory(t);
  const secret = await put(dir, 'console.secret', 'between-us');
  for (const kind of ['client_secret_basic', 'client_secret_post']) {
    const config = await load(
      t,
      `${GOOD}management:
  listen: 127.0.0.1:9390
  signIn: { issuer: https://idp.example.com, clientId: console, role: auditor, clientSecretFile: ${secret}, clientSecretMethod: ${kind} }
`,
    );
    const authentication = { kind, secret: 'between-us' };
    assert.deepEqual(config.management?.signIn?.authentication, authentication);
    assert.doesNotMatch(describeConfig(config), /between-us/);
  }
});

test('what would leave the console open, or nobody able to sign in, is a fault', async (t) => {
  const rows = [
    [`listen: 0.0.0.0:9390`, /without TLS; add `management.tls`/],
    [
      `listen: 127.0.0.1:9390\n  publicUrl: https://console.example.com`,
      /needs `management.signIn`/,
    ],
    [
      `listen: 127.0.0.1:9390\n  publicUrl: http://console.example.com${SIGN_IN}`,
      /plain http beyond this machine/,
    ],
    [`listen: unix:/run/relay.sock${SIGN_IN}`, /needs `management.publicUrl`/],
    [
      `listen: 127.0.0.1:9390\n  signIn: { issuer: http://idp.example.com, clientId: c, role: r }`,
      /insecure.plainIssuer/,
    ],
    [
      `listen: 127.0.0.1:9390\n  signIn: { issuer: https://idp.example.com, clientId: c }`,
      /management.signIn.role: is missing/,
    ],
    [
      `listen: 127.0.0.1:9390\n  signIn: { issuer: https://idp.example.com, clientId: c, role: r, scopes: [email] }`,
      /must list `openid`/,
    ],
    [
      `listen: 127.0.0.1:9390\n  signIn: { issuer: https://idp.example.com, clientId: c, role: r, keyId: k }`,
      /names the key of `privateKeyFile`/,
    ],
    [
      `listen: 127.0.0.1:9390\n  signIn: { issuer: https://idp.example.com, clientId: c, role: r, clientSecretMethod: client_secret_post }`,
      /says how to send `clientSecretFile`/,
    ],
    [
      `listen: 127.0.0.1:9390\n  signIn: { issuer: https://idp.example.com, clientId: c, role: r, clientSecretFile: s, clientSecretMethod: post }`,
      /signIn.clientSecretMethod: must be client_secret_basic or client_secret_post/,
    ],
  ] as const;
  for (const [block, expected] of rows) {
    const lines = await faultLines(t, `${GOOD}management:\n  ${block}\n`);
    assert.match(lines.join('\n'), expected, block);
  }
});

test('with TLS the listener may be reached from elsewhere', async (t) => {
  const dir = await directory(t);
  const [cert, key] = [join(dir, 'm.crt'), join(dir, 'm.key')];
  writeKeyPair(cert, key);
  const { management } = await load(
    t,
    `${GOOD}management:
  listen: 0.0.0.0:9390
  publicUrl: https://console.example.com
  tls: { certFile: ${cert}, keyFile: ${key} }${SIGN_IN}
`,
  );
  assert.deepEqual(management?.tls, { certFile: cert, keyFile: key });
});
