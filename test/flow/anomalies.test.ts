import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';
import { allRecords } from '../audit/ledger-dir.ts';
import { createCertificate } from '../support/certificate.ts';
import { directory, put } from '../support/relay-yaml.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { startSecureServer } from '../support/secure-server.ts';
import { until } from '../support/until.ts';

const SECRET = `whsec_${Buffer.from('a secret of the receiver').toString('base64')}`;

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver on https that is out of order at first. */
async function startReceiver(t: TestContext, failures: number) {
  const posts: Post[] = [];
  const certificate = createCertificate(t);
  let left = failures;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    posts.push({ headers: request.headers, body });
    left -= 1;
    response.writeHead(left >= 0 ? 500 : 204).end();
  };
  const server = await startSecureServer(t, certificate, (request, response) => {
    void take(request, response);
  });
  return { posts, caFile: certificate.certFile, url: `https://localhost:${server.port}/alerts` };
}

/** As a receiver checks it. */
function isSigned({ headers, body }: Post): boolean {
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const mac = createHmac('sha256', key).update(signed).digest('base64');
  return headers['webhook-signature'] === `v1,${mac}`;
}

async function metric(bench: RelayBench, sample: string): Promise<number> {
  const text = await (await fetch(`${bench.relay.management}/metrics`)).text();
  const line = text.split('\n').find((it) => it.startsWith(`${sample} `));
  return line === undefined ? Number.NaN : Number(line.slice(sample.length + 1));
}

async function ask(bench: RelayBench, scope: string): Promise<number> {
  const token = await bench.token({ scope, sub: 'eve', email: 'eve@demo.example' });
  const answer = await fetch(`${bench.relay.url}/x/invoices`, {
    headers: { authorization: `Bearer ${token}`, 'x-latchkey-client': '1.0.0; tool="curl"' },
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function openBench(t: TestContext, top: string, failures: number) {
  const receiver = await startReceiver(t, failures);
  const secretFile = await put(await directory(t), 'secret', `${SECRET}\n`);
  const webhook = `{ url: '${receiver.url}', secretFile: '${secretFile}', caFile: '${receiver.caFile}' }`;
  const anomalies = `anomalies: { denials: { allowed: 5, per: 60s }, webhook: ${webhook} }`;
  const bench = await createRelayBench(t, { top: `${anomalies}\n${top}` });
  return { bench, receiver };
}

for (const workers of [1, 2])
  test(`a burst of denials: one record, one alert, signed, and a metric (workers: ${workers})`, async (t) => {
    const { bench, receiver } = await openBench(t, `workers: ${workers}`, 1);
    for (let i = 0; i < 5; i += 1) assert.equal(await ask(bench, 'nothing'), 403);
    assert.equal(await metric(bench, 'latchkey_anomalies_total{rule="denials"}'), 0);
    for (let i = 0; i < 10; i += 1) assert.equal(await ask(bench, 'nothing'), 403);
    await until('the alert is posted twice', () => receiver.posts.length >= 2);
    await until(
      'its delivery is counted',
      async () => (await metric(bench, 'latchkey_anomaly_alerts_total{result="delivered"}')) === 1,
    );

    const [failed, post, ...more] = receiver.posts;
    assert.ok(failed && post);
    assert.deepEqual(more, []);
    assert.equal(post.body, failed.body);
    assert.equal(post.headers['webhook-id'], failed.headers['webhook-id']);
    assert.ok(isSigned(post));
    assert.ok(!isSigned({ ...post, body: post.body.replace('eve', 'bob') }));
    const { type, data } = JSON.parse(post.body) as { type: string; data: Record<string, unknown> };
    assert.equal(type, 'latchkey.anomaly');
    assert.equal(data['rule'], 'denials');
    assert.equal(data['detail'], '6 denials in 60 s, 5 allowed');
    assert.equal(data['user'], 'eve');
    assert.equal(data['tool'], 'curl');
    assert.equal(data['code'], 'scope');

    let records = await allRecords(bench.auditDir);
    await until('the anomaly is recorded', async () => {
      records = await allRecords(bench.auditDir);
      return records.some(({ kind }) => kind === 'anomaly');
    });
    const found = records.filter(({ kind }) => kind === 'anomaly');
    assert.equal(found.length, 1);
    assert.equal(found[0]?.rule, 'denials');
    assert.equal(found[0]?.user, 'eve');
    assert.equal(found[0]?.detail, '6 denials in 60 s, 5 allowed');
    assert.ok(
      records.some(
        ({ kind, requestId }) => kind === 'request' && requestId === found[0]?.requestId,
      ),
    );
    assert.equal(await metric(bench, 'latchkey_anomalies_total{rule="denials"}'), 1);
    assert.equal(await metric(bench, 'latchkey_anomalies_total{rule="volume"}'), 0);
    assert.equal(await metric(bench, 'latchkey_anomaly_alerts_total{result="delivered"}'), 1);
    assert.equal(await metric(bench, 'latchkey_anomaly_alerts_total{result="failed"}'), 1);
    const logged = bench.log.join('');
    assert.match(logged, /"event":"anomaly"/);
    assert.doesNotMatch(logged, /whsec_|eve@/);
  });

test('tokens shown without their key are an anomaly of the address; a reload turns a rule off', async (t) => {
  const { bench } = await openBench(t, '', 0);
  const bound = await bench.token({ cnf: { jkt: 'x'.repeat(43) } });
  const replay = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${bound}` };
    const answer = await fetch(`${bench.relay.url}/x/invoices`, { headers });
    assert.equal(answer.status, 401);
    assert.equal(((await answer.json()) as { code: string }).code, 'token_binding');
  };
  const anomalies = async () =>
    (await allRecords(bench.auditDir)).filter(({ kind }) => kind === 'anomaly');
  for (let i = 0; i < 3; i += 1) await replay();
  // Repeats of strangers are counted into one record a second.
  await until('the anomaly is recorded', async () => (await anomalies()).length > 0);
  const [found] = await anomalies();
  assert.equal(found?.rule, 'tokenReplay');
  assert.equal(found.ip, '127.0.0.1');
  assert.equal(found.user, undefined);

  const text = await readFile(bench.configFile, 'utf8');
  await writeFile(
    bench.configFile,
    text.replace('denials: { allowed: 5, per: 60s }', 'denials: off'),
  );
  assert.equal((await bench.relay.reload()).kind, 'reloaded');
  for (let i = 0; i < 10; i += 1) assert.equal(await ask(bench, 'nothing'), 403);
  assert.equal((await anomalies()).length, 1);
});

test('a receiver that is down delays nothing and does not keep the relay from stopping', async (t) => {
  const secretFile = await put(await directory(t), 'secret', SECRET);
  const webhook = `{ url: 'https://127.0.0.1:9/', secretFile: '${secretFile}' }`;
  const top = `anomalies: { denials: { allowed: 0, per: 60s }, webhook: ${webhook} }`;
  const bench = await createRelayBench(t, { top });
  assert.equal(await ask(bench, 'nothing'), 403);
  assert.equal(await ask(bench, 'read'), 200);
  await until('the failed alert is told', () =>
    bench.log.some((line) => line.includes('anomaly_alert_failed')),
  );
  await bench.relay.stop();
  assert.ok(bench.log.some((line) => line.includes('anomaly_alert_dropped')));
  assert.ok((await allRecords(bench.auditDir)).some(({ kind }) => kind === 'anomaly'));
});
