import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test } from 'node:test';
import type { AuditRecord } from '../../audit/record.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

async function get(bench: RelayBench): Promise<{ status: number; code: string | undefined }> {
  const answer = await fetch(`${bench.relay.url}/x/1`, {
    headers: { authorization: `Bearer ${await bench.token()}` },
  });
  const text = await answer.text();
  return { status: answer.status, code: /"code":"([a-z_]+)"/.exec(text)?.[1] };
}

test('while the audit cannot be written nothing reaches an upstream; it recovers by itself', async (t) => {
  const bench = await createRelayBench(t);
  assert.equal((await get(bench)).status, 200);
  renameSync(bench.auditDir, `${bench.auditDir}.away`);
  const before = bench.upstream.requests();
  assert.deepEqual(await get(bench), { status: 503, code: 'audit_unavailable' });
  assert.equal(bench.upstream.requests(), before);
  const ready = await fetch(`${bench.relay.management}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /"name":"audit","ok":false/);
  renameSync(`${bench.auditDir}.away`, bench.auditDir);
  await until('requests pass again', async () => (await get(bench)).status === 200);
});

test('an API may do without, which is itself recorded', async (t) => {
  const bench = await createRelayBench(t, { api: '    audit: { required: false }' });
  const config = (await allRecords(bench.auditDir)).find(({ kind }) => kind === 'config');
  assert.match(config?.detail ?? '', /"auditNotRequired":\["x"\]/);
  renameSync(bench.auditDir, `${bench.auditDir}.away`);
  assert.equal((await get(bench)).status, 200);
});

test('refusals before anybody is recognised are recorded, a flood as one record a second', async (t) => {
  const bench = await createRelayBench(t);
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: 50 }, () =>
      fetch(`${bench.relay.url}/x/1`).then((answer) => answer.text()),
    ),
  );
  let refused: readonly AuditRecord[] = [];
  await until('all are recorded', async () => {
    refused = (await allRecords(bench.auditDir)).filter(
      ({ kind, code }) => kind === 'request' && code === 'token_missing',
    );
    return refused.reduce((sum, { count }) => sum + (count ?? 0), 0) === 50;
  });
  const most = 2 + Math.floor((performance.now() - startedMs) / 1_000);
  assert.ok(refused.length >= 2 && refused.length <= most, `${refused.length} of ${most} records`);
  assert.deepEqual(
    [...new Set(refused.map(({ user, decision }) => `${user} ${decision}`))],
    ['undefined deny'],
  );
});

test('what the parser refuses is recorded too', async (t) => {
  const bench = await createRelayBench(t);
  assert.equal(
    statusOf(await sendRaw(bench.relay.url, 'GET / HTTP/1.1\r\nBad Name: x\r\n\r\n')),
    400,
  );
  const found = async () =>
    (await allRecords(bench.auditDir)).find(({ code }) => code === 'bad_request');
  await until('the refusal is recorded', found);
  const refused = await found();
  assert.deepEqual([refused?.decision, refused?.ip], ['deny', '127.0.0.1']);
});
