import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { describeConfig } from '../../../relay/config/describe.ts';
import { loadConfig } from '../../../relay/config/load.ts';
import { GOOD, directory, faultLines, load, put } from '../../support/relay-yaml.ts';

const api = (text: string): string => `${GOOD}${text.replaceAll(/^/gm, '    ')}\n`;

test('the keys of an API have the effect that they say', async (t) => {
  const { apis } = await load(
    t,
    api(`health: { path: /health, interval: 7s }
balancing: { slowStart: 1m, breaker: { failures: 3 } }
retries: 2
streams: { graceful: 30s }
cors: { origins: ['https://app.example.com'], credentials: true }
request: { rewritePaths: [{ from: '/v1/**', to: '/old/**' }], setQuery: { t: '{claims.t}' }, removeQuery: [debug], assertion: true }
response: { rewriteCookies: false }
limits: { rate: { requests: 5, per: 1s, by: user }, concurrent: 9 }
timeouts: { total: 5m }`),
  );
  const [one] = apis;
  assert.deepEqual(one?.health, {
    path: '/health',
    intervalMs: 7000,
    timeoutMs: 2000,
    unhealthyAfter: 2,
    healthyAfter: 2,
  });
  assert.deepEqual(one.balancing, {
    slowStartMs: 60_000,
    breakerFailures: 3,
    breakerOpenMs: 10_000,
    resolveMs: 30_000,
  });
  assert.equal(one.retries, 2);
  assert.equal(one.streams.gracefulMs, 30_000);
  assert.deepEqual(one.cors, {
    origins: ['https://app.example.com'],
    methods: ['GET', 'HEAD', 'POST'],
    headers: [],
    exposeHeaders: [],
    credentials: true,
    maxAgeMs: 300_000,
  });
  assert.deepEqual(one.request.rewritePaths, [{ from: '/v1/**', to: '/old/**' }]);
  assert.deepEqual(one.request.setQuery, { t: '{claims.t}' });
  assert.deepEqual(one.request.removeQuery, ['debug']);
  assert.equal(one.request.assertion, true);
  assert.deepEqual([one.response.rewriteLocation, one.response.rewriteCookies], [true, false]);
  assert.deepEqual(one.limits.rates, [{ requests: 5, perMs: 1000, by: 'user' }]);
  assert.equal(one.limits.concurrent, 9);
  assert.equal(one.timeouts.totalMs, 300_000);
});

test('the keys of the relay have the effect that they say', async (t) => {
  const config = await load(
    t,
    `listen: ['127.0.0.1:1', 'unix:/run/x.sock']
trustedProxies: [10.0.0.0/8]
proxyProtocol: true
workers: auto
reusePort: true
drain: { delay: 5s }
limits: { failedAuthentications: off, connectionsPerIp: 9, rate: [{ requests: 1, per: 1m, by: ip }] }
${GOOD}`,
  );
  assert.deepEqual(config.listen, [
    { kind: 'tcp', host: '127.0.0.1', port: 1 },
    { kind: 'unix', path: '/run/x.sock' },
  ]);
  assert.equal(config.proxyProtocol, true);
  assert.equal(config.workers, availableParallelism());
  assert.equal(config.reusePort, true);
  assert.deepEqual(config.drain, { delayMs: 5000, timeoutMs: 30_000 });
  assert.equal(config.limits.failedAuthentications, undefined);
  assert.equal(config.limits.connectionsPerIp, 9);
  assert.deepEqual(config.limits.rates, [{ requests: 1, perMs: 60_000, by: 'ip' }]);
});

const faults: readonly (readonly [text: string, fault: RegExp])[] = [
  [api('cors: { origins: ["*"], credentials: true }'), /cors\.origins: must name its origins/],
  [api('cors: {}'), /cors\.origins: is missing/],
  [api('cors: { origins: ["app.example.com"] }'), /cors\.origins\.0: must be an origin/],
  [api('limits: { rate: { requests: 1, per: 1s } }'), /limits\.rate\.by: .*one of user, client/],
  [
    api('limits: { rate: { requests: 1, per: 1s, by: api, x: 1 } }'),
    /limits\.rate\.x: unknown key/,
  ],
  [api('retries: 9'), /retries: must be at most 5/],
  [api('health: { path: health }'), /health\.path: must begin with \//],
  [api('request: { rewritePaths: [{ from: "/a/*", to: /b }] }'), /rewritePaths\.0\.to: .*same/],
  [
    api('request: { rewritePaths: [{ from: /a, to: /../b }] }'),
    /rewritePaths\.0\.to: .*dot segment/,
  ],
  [api('request: { setQuery: { a: b }, removeQuery: [a] }'), /setQuery\.a: is in `removeQuery`/],
  [api('request: { setQuery: { "a&b": c } }'), /setQuery\.a&b: must be a parameter name/],
  [
    api(
      'request: { credentials: { clientCredentials: { tokenEndpoint: "http://10.0.0.1/t", clientId: a, clientSecretFile: s } } }',
    ),
    /tokenEndpoint: is plain http beyond this machine/,
  ],
  [
    api(
      'request: { credentials: { clientCredentials: { tokenEndpoint: "https://a.example/t", clientId: a } } }',
    ),
    /clientCredentials: must have exactly one of clientSecretFile/,
  ],
  [`proxyProtocol: true\n${GOOD}`, /proxyProtocol: needs `trustedProxies`/],
  [`workers: many\n${GOOD}`, /workers: must be auto, or a number/],
  [`workers: 0\n${GOOD}`, /workers: must be auto, or a number/],
  [`listen: []\n${GOOD}`, /listen/],
  [`listen: ['0.0.0.0:1']\n${GOOD}`, /listen\.0: listens beyond this machine/],
  [`listen: ['127.0.0.1:1', '0.0.0.0:1']\n${GOOD}`, /listen\.1: listens beyond this machine/],
];

for (const [text, fault] of faults) {
  test(`refuses with ${fault.source}`, async (t) => {
    const lines = await faultLines(t, text);
    assert.ok(
      lines.some((line) => fault.test(line)),
      lines.join('\n') || 'no fault',
    );
  });
}

test('a certificate for a plain upstream, and a header that credentials set, are faults', async (t) => {
  const plain = api('request: { credentials: { clientCertificate: { certFile: a, keyFile: b } } }');
  const lines = await faultLines(t, plain.replace('https://10.0.0.5', 'http://127.0.0.1'));
  assert.ok(lines.some((line) => /clientCertificate: needs https/.test(line)));
  const aws = 'awsSigV4: { region: r, service: s, accessKeyId: k, secretAccessKeyFile: f }';
  const twice = await faultLines(
    t,
    api(`request: { credentials: { ${aws} }, setHeaders: { X-Amz-Date: now } }`),
  );
  assert.ok(twice.some((line) => /X-Amz-Date: conflicts with `credentials`/.test(line)));
});

test('assertion keys are for ES256, and no secret is ever printed', async (t) => {
  const dir = await directory(t);
  const pem = (namedCurve: string): string =>
    generateKeyPairSync('ec', { namedCurve })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
  const text = `assertion: { keyFile: a.pem }\n${api(
    'request: { credentials: { awsSigV4: { region: r, service: s, accessKeyId: k, secretAccessKeyFile: f.txt, sessionTokenFile: g.txt } } }',
  )}`;
  const file = await put(dir, 'relay.yaml', text);
  await put(dir, 'f.txt', 'hush-secret');
  await put(dir, 'g.txt', 'hush-session');
  await put(dir, 'a.pem', pem('P-384'));
  await assert.rejects(loadConfig(file, { env: {} }), /assertion\.keyFile: .*ES256/);
  await put(dir, 'a.pem', pem('P-256'));
  const printed = describeConfig(await loadConfig(file, { env: {} }));
  assert.match(printed, /secretAccessKey/);
  assert.doesNotMatch(printed, /hush|PRIVATE KEY/);
});
