import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { allRecords } from '../audit/ledger-dir.ts';
import { privateDir } from '../support/private-dir.ts';
import { loadWith, startRelayProcess } from '../support/relay-process.ts';
import { createRelayBench } from '../support/relay.ts';
import {
  editConfig,
  logged,
  managementPage,
  postReload,
  readMetrics,
} from '../support/operator.ts';
import { startSinkServer, type SinkServer } from '../support/sink-server.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'relay', 'main.ts');
const CURSOR = join('shipping', 'hook.cursor.json');

const seqsOf = ({ lines }: SinkServer): number[] =>
  lines.map((line) => (JSON.parse(line) as { seq: number }).seq);

/** Each record of the ledger at least once; each new one after those before. */
function assertNothingLost(server: SinkServer, records: readonly { readonly seq: number }[]): void {
  const arrived = seqsOf(server);
  const firsts = [...new Set(arrived)];
  assert.deepEqual(
    firsts,
    records.map(({ seq }) => seq),
  );
}

const hook = (url: string, extra = ''): string =>
  `{ name: hook, type: webhook, url: '${url}', batch: { records: 50, delay: 20ms }${extra} }`;

/** A relay process whose audit is shipped to an address. */
function shippingProcess(t: TestContext, url: string, top = '') {
  return startRelayProcess(t, {
    audit: `, sinks: [${hook(url)}]`,
    top,
  });
}

/** The address of the management listener, once there is one. */
async function listening(output: Readable): Promise<string> {
  for await (const line of createInterface(output)) {
    const { event, management } = JSON.parse(line) as Record<string, unknown>;
    if (event === 'listening') return String(management);
  }
  throw new Error('the relay ended');
}

async function hasNoLag(management: string): Promise<boolean> {
  const text = await (await fetch(`${management}/metrics`)).text();
  return /^latchkey_audit_sink_lag_records\{sink="hook"\} 0$/m.test(text);
}

for (const workers of [1, 2])
  void test(`a relay with ${workers} process(es) that is killed while it ships loses no record`, async (t) => {
    const server = await startSinkServer(t);
    server.answer((_request, response) => void setTimeout(() => response.end(), 5));
    const relay = await shippingProcess(t, server.url, `workers: ${workers}`);
    const token = await relay.token();
    const load = loadWith(t, relay.url, () => [`Authorization: Bearer ${token}`]);
    await until('some records shipped', () => server.lines.length > 200);
    await relay.stop('SIGKILL');
    await load.stop();
    const shipped = server.lines.length;

    const again = spawn(process.execPath, [MAIN, '--config', relay.configFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => again.once('exit', resolve));
    t.after(async () => {
      again.kill('SIGKILL');
      await exited;
    });
    const management = await listening(again.stdout);
    await until('all shipped', () => hasNoLag(management));
    assert.ok(server.lines.length > shipped);
    assertNothingLost(server, await allRecords(relay.auditDir));
  });

void test('a sink that is down all the while delays nothing, shows where operators look, and gets all in the end', async (t) => {
  const port = await freePort();
  const bench = await createRelayBench(t, {
    audit: `, sinks: [${hook(`http://127.0.0.1:${port}/ingest`)}]`,
  });
  const headers = { authorization: `Bearer ${await bench.token()}` };
  for (let request = 0; request < 50; request += 1)
    assert.equal((await fetch(`${bench.relay.url}/x/a`, { headers })).status, 200);
  const lag = 'latchkey_audit_sink_lag_records{sink="hook"}';
  await until('the lag is shown', async () => Number((await readMetrics(bench)).get(lag)) >= 100);
  const failures = 'latchkey_audit_sink_failures_total{sink="hook",reason="connect"}';
  await until(
    'failures are shown',
    async () => Number((await readMetrics(bench)).get(failures)) >= 1,
  );

  const { status, body } = await managementPage(bench, '/readyz');
  assert.equal(status, 200);
  const checks = body['checks'] as { name: string; ok: boolean; detail?: string }[];
  const check = checks.find(({ name }) => name === 'audit sink hook');
  assert.equal(check?.ok, true);
  assert.match(String(check?.detail), /connect: .*ECONNREFUSED.*; \d+ records behind/);

  const server = await startSinkServer(t, { port });
  await until('no lag', async () => (await readMetrics(bench)).get(lag) === 0);
  assertNothingLost(server, await allRecords(bench.auditDir));
  const success = 'latchkey_audit_sink_last_success_timestamp{sink="hook"}';
  assert.ok(Number((await readMetrics(bench)).get(success)) > 1_700_000_000);
});

void test('a reload moves sinks without a restart, and is refused as a whole where one is wrong', async (t) => {
  const [first, second] = [await startSinkServer(t), await startSinkServer(t)];
  const bench = await createRelayBench(t, { audit: `, sinks: [${hook(first.url)}]` });
  await until('the first sink has records', () => first.lines.length >= 2);
  await editConfig(bench, (text) => text.replace(first.url, second.url));
  assert.equal((await postReload(bench)).status, 200);
  // The relay may have seen the change of its file before, and told the first sink of that.
  await fetch(`${bench.relay.url}/x/a`);
  await until('the second sink has records', () => second.lines.length > 0);
  const all = [...new Set([...seqsOf(first), ...seqsOf(second)])];
  assert.deepEqual(
    all,
    all.map((_, at) => at + 1),
  );

  await editConfig(bench, (text) => text.replace('type: webhook', 'type: carrier-pigeon'));
  const refused = await postReload(bench);
  assert.equal(refused.status, 422);
  assert.match(JSON.stringify(refused.faults), /audit\.sinks\.0\.type/);
  const before = second.lines.length;
  await fetch(`${bench.relay.url}/x/a`);
  await until('the second sink goes on', () => second.lines.length > before);

  await editConfig(bench, (text) => text.replace(/, sinks: \[.*\] \}/, ' }'));
  assert.equal((await postReload(bench)).status, 200);
  await until(
    'no sink',
    async () => !(await readMetrics(bench)).has('latchkey_audit_sink_lag_records{sink="hook"}'),
  );
});

void test('what a sink is shown stands in no log, no page, no audit record and no dead letter', async (t) => {
  const secrets = ['bearer-7f3a9c', 'hmac-5d21ee', 'api-key-90ab12'];
  const dir = privateDir(t);
  for (const secret of secrets) writeFileSync(join(dir, secret), secret, { mode: 0o600 });
  const server = await startSinkServer(t);
  // It repeats what it is sent, and refuses one record for good.
  server.answer(({ body, headers }, response) => {
    const isPoison = body.includes('/x/poison');
    const text = JSON.stringify(headers);
    response.writeHead(isPoison ? 400 : 200, { 'x-echo': encodeURIComponent(text) }).end(text);
  });
  const [bearer, hmac, key] = secrets.map((secret) => join(dir, secret));
  const bench = await createRelayBench(t, {
    audit: `, sinks: [${hook(
      server.url,
      `, bearerFile: '${bearer}', secretFile: '${hmac}', headerFiles: { X-Api-Key: '${key}' }`,
    )}]`,
  });
  const headers = { authorization: `Bearer ${await bench.token()}` };
  await fetch(`${bench.relay.url}/x/poison`, { headers });
  await until('a dead letter', () => logged(bench, 'audit_dead_letter').length > 0);
  assert.equal(server.received[0]?.headers.authorization, 'Bearer bearer-7f3a9c');
  assert.equal(server.received[0]?.headers['x-api-key'], 'api-key-90ab12');
  server.answer((_request, response) => response.writeHead(403).end(JSON.stringify(secrets)));
  await fetch(`${bench.relay.url}/x/a`, { headers });
  await until('a failure is told', () => logged(bench, 'audit_sink_failed').length > 0);
  assert.equal(logged(bench, 'audit_dead_letter')[0]?.['level'], 'error');
  assert.equal(logged(bench, 'audit_sink_failed')[0]?.['level'], 'warn');
  assert.equal(logged(bench, 'listening')[0]?.['level'], 'info');
  const texts = [
    bench.log.join('\n'),
    await (await fetch(`${bench.relay.management}/metrics`)).text(),
    JSON.stringify((await managementPage(bench, '/readyz')).body),
    JSON.stringify((await managementPage(bench, '/config')).body),
    JSON.stringify(await allRecords(bench.auditDir)),
    await readFile(join(bench.auditDir, 'shipping', 'hook.dead.jsonl'), 'utf8'),
    await readFile(join(bench.auditDir, CURSOR), 'utf8'),
  ];
  for (const text of texts) for (const secret of secrets) assert.ok(!text.includes(secret), text);
});
