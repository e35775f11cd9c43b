import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { editConfig, logged, postReload, readMetrics, writeKeyPair } from '../support/operator.ts';
import { createRawUpstream, sendRaw } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { startRelayProcess } from '../support/relay-process.ts';
import { directory } from '../support/relay-yaml.ts';
import { until } from '../support/until.ts';

/** What is promised: the name, the type, the labels in any order. */
const PROMISED = [
  ['latchkey_requests_total', 'counter', ['api', 'code', 'decision', 'status']],
  ['latchkey_request_duration_seconds', 'histogram', ['api', 'le']],
  ['latchkey_upstream_duration_seconds', 'histogram', ['api', 'le']],
  ['latchkey_active_streams', 'gauge', ['api', 'kind']],
  ['latchkey_token_verifications_total', 'counter', ['issuer', 'path', 'result']],
  ['latchkey_jwks_age_seconds', 'gauge', ['issuer']],
  ['latchkey_audit_lag_seconds', 'gauge', []],
  ['latchkey_audit_head_seq', 'gauge', []],
  ['latchkey_upstream_healthy', 'gauge', ['api', 'upstream']],
  ['latchkey_config_loaded_timestamp_seconds', 'gauge', []],
  ['process_cpu_seconds_total', 'counter', []],
  ['nodejs_eventloop_lag_seconds', 'gauge', []],
] as const;

const COUNTED = 'latchkey_requests_total{api="x",decision="allow",code="none",status="200"}';

interface Exposition {
  readonly types: ReadonlyMap<string, string>;
  /** The labels of each family's samples. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

function parse(text: string): Exposition {
  const types = new Map<string, string>();
  const labels = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) {
      assert.ok(!types.has(name), `${name} is there twice`);
      types.set(name, type);
    }
    const [, sample, inside = ''] = /^([a-z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (sample === undefined) continue;
    const family = sample.replace(/_(?:bucket|sum|count)$/, '');
    const key = types.has(sample) ? sample : family;
    const known = labels.get(key) ?? new Set();
    for (const [, label] of inside.matchAll(/([a-z_]+)="/g)) known.add(label as string);
    labels.set(key, known);
  }
  return { types, labels };
}

function checkPromises(text: string, own: readonly string[]): void {
  const { types, labels } = parse(text);
  for (const [name, type, wanted] of PROMISED) {
    assert.equal(types.get(name), type, name);
    const more = /^(?:process|nodejs)_/.test(name) ? own : [];
    assert.deepEqual([...(labels.get(name) ?? [])].sort(), [...wanted, ...more].sort(), name);
  }
}

test('one process exposes what is promised: names, types, labels', async (t) => {
  const bench = await createRelayBench(t);
  const headers = { authorization: `Bearer ${await bench.token()}` };
  await (await fetch(`${bench.relay.url}/x/1`, { headers })).text();
  await until('it is counted', async () => (await readMetrics(bench)).has(COUNTED));
  const answer = await fetch(`${bench.relay.management}/metrics`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  checkPromises(await answer.text(), []);
});

test('several processes expose the same, added up', async (t) => {
  const relay = await startRelayProcess(t, { top: 'workers: 2' });
  const headers = { authorization: `Bearer ${await relay.token()}`, connection: 'close' };
  for (let round = 0; round < 6; round++)
    await (await fetch(`${relay.url}/x/1`, { headers })).text();
  // A request is counted when it has ended, which may be after its answer.
  await until('all are counted', async () => ((await relay.metrics()).get(COUNTED) ?? 0) >= 6);
  const text = await (await fetch(`${relay.management}/metrics`)).text();
  checkPromises(text, ['worker']);
  for (const line of ['worker_connections gauge', 'worker_deaths_total counter'])
    assert.match(text, new RegExp(`^# TYPE latchkey_${line}$`, 'm'));
  const samples = await relay.metrics();
  assert.equal(samples.get(COUNTED), 6);
  assert.equal(samples.get('latchkey_upstream_duration_seconds_count{api="x"}'), 6);
});

/** All values of all labels but those that node's own figures have. */
function labelValues(samples: ReadonlyMap<string, number>): ReadonlySet<string> {
  const own = [...samples.keys()].filter((name) => name.startsWith('latchkey_'));
  return new Set(
    own.flatMap((name) =>
      [...name.matchAll(/[a-z_]+="((?:[^"\\]|\\.)*)"/g)].map(([, value]) => value as string),
    ),
  );
}

async function valuesAfter(t: TestContext, attack: (bench: RelayBench) => Promise<void>) {
  let status = 200;
  const upstream = await createRawUpstream((socket) => {
    status = status >= 599 ? 200 : status + 1;
    socket.write(
      `HTTP/1.1 ${status} x\r\nX-Latchkey-Code: hostile-${status}\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  const bench = await createRelayBench(t, { upstream });
  await attack(bench);
  return labelValues(await readMetrics(bench));
}

test('nothing that a caller or an API writes becomes a label', async (t) => {
  const values = await valuesAfter(t, async (bench) => {
    const { host } = new URL(bench.relay.url);
    const token = await bench.token({ sub: 'hostile-user', client_id: 'hostile-client' });
    const hostile = (at: number): readonly string[] => [
      `GET /hostile-api-${at} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      `HOSTILE${at} /x/1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      `GET /x/hostile-path-${at}"} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      `GET /x/1 HTTP/1.1\r\nHost: hostile-${at}.example\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      `GET /x/1 HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: hostile-id-${at}\r\nX-Latchkey-Client: hostile; tool="hostile-${at}"\r\nUser-Agent: hostile/${at}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      `GET /x/1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Hostile${at} x\r\n\r\n`,
    ];
    for (let at = 0; at < 5; at++)
      for (const bytes of hostile(at)) await sendRaw(bench.relay.url, bytes, { quietMs: 30 });
  });
  const all = [...values].join('\n');
  assert.doesNotMatch(all, /hostile/i);
});

test('what an API answers with is at most a status', async (t) => {
  const values = await valuesAfter(t, async (bench) => {
    const headers = { authorization: `Bearer ${await bench.token()}` };
    for (let round = 0; round < 30; round++)
      await (await fetch(`${bench.relay.url}/x/1`, { headers })).arrayBuffer();
  });
  for (const value of values)
    assert.match(value, /^(?:[A-Za-z_]+|[1-5][0-9]{2}|http:\/\/127\.0\.0\.1:\d+|\+Inf|[\d.]+)$/);
});

test("the certificate's end is shown, and follows a reload", async (t) => {
  const dir = await directory(t);
  const pair = (name: string): readonly [string, string] => [
    join(dir, `${name}.crt`),
    join(dir, `${name}.key`),
  ];
  for (const name of ['first', 'second']) writeKeyPair(...pair(name));
  const expiry = async (name: string): Promise<number> =>
    Date.parse(new X509Certificate(await readFile(pair(name)[0])).validTo) / 1000;
  const tls = (name: string): string =>
    `tls: { certFile: '${pair(name)[0]}', keyFile: '${pair(name)[1]}' }`;
  const bench = await createRelayBench(t, { top: tls('first') });
  const sample = 'latchkey_certificate_expiry_timestamp_seconds{name="localhost"}';
  assert.equal((await readMetrics(bench)).get(sample), await expiry('first'));
  await editConfig(bench, (text) => text.replace(tls('first'), tls('second')));
  await postReload(bench);
  assert.equal((await readMetrics(bench)).get(sample), await expiry('second'));
  assert.equal(logged(bench, 'reload_failed').length, 0);
});
