import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GOOD, faultLines, load } from '../../support/relay-yaml.ts';

/** Text added to the good file, and what its only fault must say. */
const refused: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
  ['a listener beyond loopback', `${GOOD}listen: 0.0.0.0:1\n`, /^10 listen: .*plainHttp/],
  [
    'a management listener beyond loopback',
    `${GOOD}management: { listen: "[::]:1" }\n`,
    /^10 management\.listen/,
  ],
  [
    'two listeners at one place',
    `${GOOD}listen: 127.0.0.1:9390\nmanagement: { listen: 127.0.0.1:9390 }\n`,
    /^11 management\.listen: is where a listener above already is/,
  ],
  [
    'a size out of bounds',
    `${GOOD}limits: { headers: 512B }\n`,
    /^10 limits\.headers: must be a size such as 64KB or 10MB, from 1KB to 1MB$/,
  ],
  [
    'a condition that nothing can meet',
    GOOD.replace('scopes: [billing.read]', 'claims: { dep: [] }'),
    /^9 .*claims\.dep: must list at least one; leave the key out/,
  ],
  [
    'a condition without a claim',
    GOOD.replace('scopes: [billing.read]', 'claims: {}'),
    /^9 .*claims: must name at least one claim/,
  ],
  ['a bad listener', `${GOOD}listen: 127.0.0.1:70000\n`, /^10 listen: must be host:port/],
  [
    'a plain issuer',
    GOOD.replace('https://idp', 'http://idp'),
    /^3 issuers\.0\.issuer: .*plainIssuer/,
  ],
  [
    'a plain jwks_uri',
    GOOD.replace('apis:', '    metadata: { jwks_uri: http://idp.example.com/k }\napis:'),
    /^4 .*jwks_uri: .*plainIssuer/,
  ],
  ['a plain upstream', GOOD.replace('https://10', 'http://10'), /^6 .*upstream: .*plainUpstream/],
  [
    'an upstream with an ambiguous path',
    GOOD.replace(':9001', ':9001/base/../etc'),
    /^6 .*with a plain path at most/,
  ],
  [
    'an upstream with an encoded dot for its path',
    GOOD.replace(':9001', ':9001/%2e'),
    /^6 .*with a plain path at most/,
  ],
  ['an upstream at no port', GOOD.replace(':9001', ':0'), /^6 .*with a plain path at most/],
  [
    'an upstream with an encoded path',
    GOOD.replace(':9001', ':9001/b%61se'),
    /^6 .*with a plain path at most/,
  ],
  [
    'an upstream with a slash at its end',
    GOOD.replace(':9001', ':9001/base/'),
    /^6 .*with a plain path at most/,
  ],
  [
    'an issuer with a query',
    GOOD.replace('idp.example.com', 'idp.example.com/?a=1'),
    /^3 issuers\.0\.issuer: must be an absolute/,
  ],
  [
    'a public URL with a path',
    GOOD.replace('relay.example.com', 'relay.example.com/x'),
    /^1 publicUrl: .*path is not supported/,
  ],
  [
    'two issuers of one name',
    GOOD.replace('apis:', '  - issuer: https://idp.example.com\napis:'),
    /^4 issuers\.1\.issuer: .*twice/,
  ],
  ['no audience', GOOD.replace(/^publicUrl.*\n/, ''), /issuers\.0: has no `audience`/],
  [
    'equal paths',
    `${GOOD}  other:\n    path: /billing\n    upstream: https://a.example\n`,
    /^11 apis\.other\.path: has the path/,
  ],
  [
    'the path that another has by default',
    `${GOOD}  a:\n    path: /b\n    upstream: https://a.example\n  b:\n    upstream: https://a.example\n`,
    /^13 apis\.b: has the path/,
  ],
  [
    'a path below /.latchkey',
    `${GOOD}    path: /.latchkey/x\n`,
    /^10 apis\.billing\.path: must not be/,
  ],
  [
    'a path below /.well-known',
    `${GOOD}    path: /.well-known\n`,
    /^10 apis\.billing\.path: must not be/,
  ],
  ['a path with a slash at its end', `${GOOD}    path: /b/\n`, /^10 .*no slash at its end/],
  [
    'a proxy of everybody',
    `${GOOD}trustedProxies: [0.0.0.0/0]\n`,
    /^10 trustedProxies\.0: .*trustAnyProxy/,
  ],
  [
    'a proxy of everybody in IPv6',
    `${GOOD}trustedProxies: ["::/0"]\n`,
    /^10 trustedProxies\.0: .*trustAnyProxy/,
  ],
  [
    'a bad CIDR',
    `${GOOD}trustedProxies: [10.0.0.0/33]\n`,
    /^10 trustedProxies\.0: must be an address/,
  ],
  [
    'a rule name twice',
    `${GOOD}      - { name: read, deny: {} }\n`,
    /^10 .*rules\.1\.name: .*taken/,
  ],
  [
    'allow and deny in one rule',
    `${GOOD}      - { name: b, allow: {}, deny: {} }\n`,
    /^10 .*either allow or deny/,
  ],
  ['neither allow nor deny', `${GOOD}      - { name: b }\n`, /^10 .*either allow or deny/],
  [
    'a method in small letters',
    GOOD.replace('[GET]', '[get]'),
    /methods\.0: must be an HTTP method/,
  ],
  [
    'a pattern with a partial star',
    GOOD.replace('/invoices/**', '/inv*'),
    /paths\.0: has `\*` beside/,
  ],
  [
    'a pattern with ** inside',
    GOOD.replace('/invoices/**', '/**/a'),
    /paths\.0: has `\*\*` before its end/,
  ],
  [
    'a pattern with an empty segment',
    GOOD.replace('/invoices/**', '/a//b'),
    /paths\.0: has an empty segment/,
  ],
  [
    'a pattern with a dot segment',
    GOOD.replace('/invoices/**', '/a/../b'),
    /paths\.0: has a dot segment/,
  ],
  [
    'a pattern with an encoded slash',
    GOOD.replace('/invoices/**', '/a%2Fb'),
    /paths\.0: has an escape/,
  ],
  [
    'an empty list of conditions',
    GOOD.replace('[billing.read]', '[]'),
    /scopes: must list at least one/,
  ],
  [
    'a header that is not ours to set',
    `${GOOD}    request: { setHeaders: { content_length: "1" } }\n`,
    /^10 .*content_length: .*in charge/,
  ],
  [
    'a header of Latchkey',
    `${GOOD}    request: { setHeaders: { X-Latchkey-User: a } }\n`,
    /^10 .*X-Latchkey-User: .*in charge/,
  ],
  [
    'a bad header name',
    `${GOOD}    response: { removeHeaders: ["a b"] }\n`,
    /^10 .*removeHeaders\.0: is not a header name/,
  ],
  [
    'a header twice',
    `${GOOD}    request: { setHeaders: { X-A: a, x_a: b } }\n`,
    /^10 .*x_a: is set twice/,
  ],
  [
    'a line break in a header',
    `${GOOD}    request: { setHeaders: { X-A: "a\\r\\nb" } }\n`,
    /^10 .*visible ASCII/,
  ],
  [
    'a bad template',
    `${GOOD}    request: { setHeaders: { X-A: "{email}" } }\n`,
    /^10 .*bad template/,
  ],
  ['two credentials', `${GOOD}    request: { credentials: {} }\n`, /^10 .*exactly one of/],
  [
    'a symmetric algorithm',
    GOOD.replace('apis:', '    algorithms: [HS256]\napis:'),
    /^4 issuers\.0\.algorithms\.0: must be asymmetric/,
  ],
  [
    'a tolerance of a day',
    GOOD.replace('apis:', '    clockTolerance: 24h\napis:'),
    /^4 issuers\.0\.clockTolerance: must be a duration/,
  ],
  [
    'a duration without a unit',
    `${GOOD}    timeouts: { idle: 60 }\n`,
    /^10 .*idle: must be a duration/,
  ],
  [
    'a time-out beyond what a timer holds',
    `${GOOD}    timeouts: { idle: 400d }\n`,
    /^10 .*idle: must be a duration/,
  ],
  ['a size without a unit', `${GOOD}    limits: { body: 5 }\n`, /^10 .*body: must be a size/],
  [
    'an API name that is no segment',
    `${GOOD}  Other_API:\n    upstream: https://a.example\n`,
    /^10 apis\.Other_API: must be a name/,
  ],
  [
    'a host of two APIs',
    `${GOOD}    hosts: [a.example, A.example]\n`,
    /^10 .*hosts\.1: this host is listed twice/,
  ],
  [
    'a socket without a public URL',
    `${GOOD.replace(/^publicUrl.*\n/, '').replace('apis:', '    audience: [a]\napis:')}listen: unix:/tmp/x\n`,
    /listen: needs `publicUrl`/,
  ],
  [
    'a parameter of the sign-in itself',
    GOOD.replace(
      'apis:',
      '    desktop: { clientId: a, authorizationParameters: { state: x } }\napis:',
    ),
    /state: is a parameter that the app sets/,
  ],
  [
    'a redirect elsewhere',
    GOOD.replace(
      'apis:',
      '    desktop: { clientId: a, redirectUri: "http://evil.example/cb" }\napis:',
    ),
    /redirectUri: must be http:\/\/127/,
  ],
  ['a retention of hours', `${GOOD}audit: { retention: 23h }\n`, /audit\.retention: .*from 1d to/],
  [
    'a retention that is none',
    `${GOOD}    audit: { retention: forever }\n`,
    /retention: .*duration/,
  ],
  [
    'an unknown durability',
    `${GOOD}audit: { durability: forever }\n`,
    /audit\.durability: must be process or power/,
  ],
  ['half an address', `${GOOD}audit: { ip: half }\n`, /audit\.ip: must be full, truncated or none/],
];

for (const [name, text, fault] of refused) {
  test(`refuses ${name}`, async (t) => {
    const lines = await faultLines(t, text);
    assert.equal(lines.length, 1, lines.join('\n') || 'no fault');
    assert.match(lines[0] ?? '', fault);
  });
}

const inRule = (extra: string): string =>
  GOOD.replace('scopes: [billing.read]', `scopes: [billing.read], ${extra}`);
const inIssuer = (extra: string): string => GOOD.replace('apis:', `    ${extra}\napis:`);
const refusedTogether: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
  [
    'introspection without its settings',
    inIssuer('tokens: introspection'),
    /needs `introspection`/,
  ],
  [
    'a nonce where proofs are not looked at',
    inIssuer('dpop: { mode: off, nonce: true }'),
    /`mode: off`/,
  ],
  [
    'settings of introspection that have no effect',
    inIssuer(
      'introspection: { clientId: relay, endpoint: https://a.example/i, clientSecretFile: /none }',
    ),
    /no effect without `tokens: introspection`|does not exist/,
  ],
  [
    'introspection without a way to authenticate',
    inIssuer('tokens: introspection\n    introspection: { clientId: relay }'),
    /exactly one of clientSecretFile, privateKeyFile, clientCertificate/,
  ],
  ['an empty audience of JWTs', inIssuer('audience: []'), /audience: must list at least one/],
  [
    'plain Redis beyond this machine',
    `${GOOD}state: { redis: "redis://10.0.0.1" }\n`,
    /use rediss/,
  ],
  ['another state', `${GOOD}state: disk\n`, /state: must be memory or/],
  [
    'a certificate field that anybody could write',
    `${GOOD}clientCertificateHeader: Client-Cert\n`,
    /needs `trustedProxies`/,
  ],
];

for (const [name, text, fault] of refusedTogether) {
  test(`refuses ${name}`, async (t) => {
    const lines = await faultLines(t, text);
    assert.ok(lines.length > 0, 'no fault');
    for (const line of lines) assert.match(line, fault);
  });
}

test('how tokens must be bound', async (t) => {
  const dpopOf = async (value: string): Promise<unknown> => {
    const { issuers } = await load(t, inIssuer(`dpop: ${value}`));
    return [issuers[0]?.dpop, issuers[0]?.dpopNonce];
  };
  assert.deepEqual(await dpopOf('required'), ['required', true]);
  assert.deepEqual(await dpopOf('{ mode: required }'), ['required', false]);
  assert.deepEqual(await dpopOf('{ mode: optional, nonce: true }'), ['optional', true]);
  assert.deepEqual(await dpopOf('off'), ['off', false]);
});

test('accepts those keys with the values that mean "not used"', async (t) => {
  await load(
    t,
    `${inIssuer('dpop: optional\n    tokens: jwt')}    retries: 0\n    request: { assertion: false }\naudit: { sinks: [] }\nstate: memory\n`,
  );
});

test('opt-outs lift their rule and are listed', async (t) => {
  const config = await load(
    t,
    `${GOOD.replaceAll('https://1', 'http://1').replace('https://idp', 'http://idp')}listen: 0.0.0.0:0
trustedProxies: [0.0.0.0/0]
insecure: { plainHttp: true, plainIssuer: true, plainUpstream: true, trustAnyProxy: true }
`,
  );
  assert.deepEqual(config.insecure, ['plainHttp', 'plainIssuer', 'plainUpstream', 'trustAnyProxy']);
  assert.deepEqual(config.listen, [{ kind: 'tcp', host: '0.0.0.0', port: 0 }]);
});

test('plain http on loopback needs no opt-out', async (t) => {
  const text = GOOD.replace('https://10.0.0.5:9001', '["http://127.0.0.9:1", "http://[::1]:2"]')
    .replace('https://idp.example.com', 'http://localhost:3/')
    .concat('listen: "[::1]:0"\nmanagement: { listen: unix:/tmp/m.sock }\n');
  const config = await load(t, text);
  assert.deepEqual(config.apis[0]?.upstreams, ['http://127.0.0.9:1', 'http://[::1]:2']);
  assert.equal(config.issuers[0]?.issuer, 'http://localhost:3/');
  assert.deepEqual(config.listen, [{ kind: 'tcp', host: '::1', port: 0 }]);
  assert.deepEqual(config.management?.listen, { kind: 'unix', path: '/tmp/m.sock' });
});

test('a name that only looks like loopback is not', async (t) => {
  for (const host of ['localhost.example.com', '127.0.0.1.example.com', '127.evil.example']) {
    const lines = await faultLines(t, GOOD.replace('https://10.0.0.5:9001', `http://${host}`));
    assert.match(lines.join('\n'), /plainUpstream/, host);
  }
});

test('sizes are powers of 1024, durations milliseconds', async (t) => {
  const config = await load(
    t,
    `${inRule('maxAge: 15m')}    limits: { body: 64KB }\n    timeouts: { connect: 500ms, idle: 24h }\n`,
  );
  assert.equal(config.apis[0]?.limits.bodyBytes, 65_536);
  assert.equal(config.apis[0].timeouts.connectMs, 500);
  assert.equal(config.apis[0].timeouts.idleMs, 86_400_000);
  assert.equal(config.apis[0].rules[0]?.maxAgeMs, 900_000);
});
