import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeConfig } from '../../../relay/config/describe.ts';
import { loadConfig } from '../../../relay/config/load.ts';
import { createCertificate } from '../../support/certificate.ts';
import { directory, faultLines, GOOD, load, put } from '../../support/relay-yaml.ts';

const sinks = (...items: readonly string[]): string =>
  `${GOOD}audit:\n  sinks:\n${items.map((item) => `    - { ${item} }\n`).join('')}`;

void test('a sink of each type, with its defaults', async (t) => {
  const dir = await directory(t);
  await put(dir, 'hec', 'hec-token-value\n');
  await put(dir, 'hook', 'hook-secret-value\n');
  await put(dir, 'bearer', 'bearer-value\n');
  await put(dir, 'key', 'api-key-value\n');
  const file = await put(
    dir,
    'relay.yaml',
    sinks(
      "name: siem, type: syslog, address: '[2001:db8::5]:6514', format: structured",
      'name: hook, type: webhook, url: https://a.example/in, secretFile: hook, headerFiles: { X-Key: key }, headers: { X-Tenant: acme }',
      'name: splunk, type: splunk, url: https://b.example/services/collector/event, tokenFile: hec, index: security',
      'name: otel, type: otlp, url: https://c.example/v1/logs, bearerFile: bearer, format: ocsf, apis: [billing], decisions: [deny]',
      'name: disk, type: file, path: out/audit.csv, format: csv, from: now, batch: { records: 7, size: 2KB, delay: 5s }',
    ),
  );
  const config = await loadConfig(file, { env: {} });
  const [siem, hook, splunk, otel, disk] = config.audit.sinks;
  assert.deepEqual(siem, {
    name: 'siem',
    from: 'beginning',
    filter: { apis: [], decisions: [], kinds: [] },
    batch: { records: 500, bytes: 1024 ** 2, delayMs: 1000 },
    timeoutMs: 10_000,
    type: 'syslog',
    host: '2001:db8::5',
    port: 6514,
    transport: 'tls',
    tls: {},
    format: 'structured',
    facility: 13,
    confirm: 'close',
  });
  assert.ok(hook?.type === 'webhook' && splunk?.type === 'splunk' && otel?.type === 'otlp');
  assert.deepEqual(hook.headers, { 'X-Tenant': 'acme', 'X-Key': 'api-key-value' });
  assert.deepEqual([hook.secret, hook.body], ['hook-secret-value', 'ndjson']);
  assert.deepEqual([splunk.token, splunk.index], ['hec-token-value', 'security']);
  assert.deepEqual(otel.headers, { authorization: 'Bearer bearer-value' });
  assert.deepEqual(otel.filter, { apis: ['billing'], decisions: ['deny'], kinds: [] });
  assert.ok(disk?.type === 'file');
  assert.equal(disk.path, join(dir, 'out/audit.csv'));
  assert.deepEqual(disk.batch, { records: 7, bytes: 2048, delayMs: 5000 });
  // A changed secret is noticed.
  for (const name of ['hec', 'hook', 'bearer', 'key'])
    assert.ok(config.files.includes(join(dir, name)), name);

  const described = describeConfig(config);
  for (const secret of ['hec-token', 'hook-secret', 'bearer-value', 'api-key'])
    assert.ok(!described.includes(secret), secret);
  assert.match(described, /url: https:\/\/a\.example\/in/);
});

void test('certificates of a sink are read, and its key is masked', async (t) => {
  const { certFile, keyFile, cert, key } = createCertificate(t);
  const tls = `tls: { caFile: '${certFile}', certFile: '${certFile}', keyFile: '${keyFile}' }`;
  const config = await load(t, sinks(`name: a, type: syslog, address: siem.example:6514, ${tls}`));
  const [sink] = config.audit.sinks;
  assert.ok(sink?.type === 'syslog');
  assert.deepEqual(sink.tls, {
    ca: cert.trimEnd(),
    certificate: cert.trimEnd(),
    key: key.trimEnd(),
  });
  assert.ok(!describeConfig(config).includes('PRIVATE KEY'));
});

const refused: readonly (readonly [name: string, sink: string, fault: RegExp])[] = [
  ['an unknown type', 'name: a, type: kafka', /type: must be syslog, webhook/],
  ['no address', 'name: a, type: syslog', /address: .*is needed by type syslog/],
  ['no URL', 'name: a, type: webhook', /url: .*is needed by type webhook/],
  ['no token', 'name: a, type: splunk, url: https://a.example', /tokenFile: .*is needed/],
  ['no path', 'name: a, type: file', /path: .*is needed by type file/],
  [
    "another type's key",
    'name: a, type: file, path: a, url: https://a.example',
    /url: does not belong to type file, which takes path, rotate/,
  ],
  [
    'an unknown key',
    'name: a, type: file, path: a, rotat: {}',
    /unknown key; did you mean `rotate`/,
  ],
  ['a name that is no file name', 'name: ../x, type: file, path: a', /name: must be 1 to 32/],
  [
    'CSV but for files',
    'name: a, type: webhook, url: https://a.example, format: csv',
    /format: must be jsonl, ocsf, cef with type webhook/,
  ],
  [
    'structured data but for syslog',
    'name: a, type: file, path: a, format: structured',
    /format: must be jsonl, csv, ocsf, cef with type file/,
  ],
  [
    'CEF in a JSON array',
    'name: a, type: webhook, url: https://a.example, format: cef, body: array',
    /body: must be ndjson/,
  ],
  [
    'plain http beyond this machine',
    'name: a, type: webhook, url: http://siem.example/in',
    /url: is plain http beyond this machine; use https, or set insecure.plainSink/,
  ],
  [
    'plain syslog beyond this machine',
    'name: a, type: syslog, address: 10.0.0.9:514, transport: tcp',
    /address: is spoken to without TLS beyond this machine/,
  ],
  [
    'TLS settings without TLS',
    'name: a, type: syslog, address: 127.0.0.1:514, transport: tcp, tls: { serverName: a }',
    /tls: has no effect with `transport: tcp`/,
  ],
  [
    'a certificate without its key',
    'name: a, type: syslog, address: 127.0.0.1:514, tls: { certFile: /none }',
    /needs both of `certFile` and `keyFile`|does not exist/,
  ],
  [
    'a header that the relay sets',
    'name: a, type: webhook, url: https://a.example, headers: { webhook_signature: x }',
    /webhook_signature: is set already/,
  ],
  [
    'a URL with credentials',
    'name: a, type: webhook, url: https://user:pass@a.example/in',
    /url: must be an absolute http or https URL without user/,
  ],
  [
    'a secret that is not there',
    'name: a, type: webhook, url: https://a.example, secretFile: none',
    /secretFile: the file does not exist/,
  ],
  ['a kind that is none', 'name: a, type: file, path: a, kinds: [requests]', /kinds\.0: /],
  [
    'a port that is none',
    'name: a, type: syslog, address: siem.example:0',
    /address: must be host:port/,
  ],
];

for (const [name, sink, fault] of refused)
  void test(`refuses a sink with ${name}`, async (t) => {
    const lines = await faultLines(t, sinks(sink));
    assert.ok(lines.length > 0, 'no fault');
    for (const line of lines) assert.match(line, fault);
  });

void test('refuses two sinks with one name, and two that write one file', async (t) => {
  const lines = await faultLines(
    t,
    sinks('name: a, type: file, path: a.jsonl', 'name: a, type: file, path: a.jsonl'),
  );
  assert.equal(lines.length, 2);
  assert.match(lines.join('\n'), /name: is the name of a sink above/);
  assert.match(lines.join('\n'), /path: is written by a sink above/);
});

void test('plain sinks start on this machine, and elsewhere with the opt-out', async (t) => {
  await load(t, sinks('name: a, type: webhook, url: http://127.0.0.1:9/in'));
  await load(t, sinks('name: a, type: syslog, address: localhost:514, transport: tcp'));
  const config = await load(
    t,
    `${sinks('name: a, type: webhook, url: http://siem.example/in')}insecure: { plainSink: true }\n`,
  );
  assert.deepEqual(config.insecure, ['plainSink']);
});
