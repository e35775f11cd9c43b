import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allRecords } from '../audit/ledger-dir.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

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
  for (let attempt = 0; attempt < 50 && (await get(bench)).status !== 200; attempt++)
    await sleep(100);
  assert.equal((await get(bench)).status, 200);
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
  await Promise.all(
    Array.from({ length: 50 }, () =>
      fetch(`${bench.relay.url}/x/1`).then((answer) => answer.text()),
    ),
  );
  await sleep(1_300);
  const refused = (await allRecords(bench.auditDir)).filter(
    ({ kind, code }) => kind === 'request' && code === 'token_missing',
  );
  assert.ok(refused.length >= 2 && refused.length <= 3, `${refused.length} records`);
  assert.equal(
    refused.reduce((sum, { count }) => sum + (count ?? 0), 0),
    50,
  );
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
  await sleep(100);
  const refused = (await allRecords(bench.auditDir)).find(({ code }) => code === 'bad_request');
  assert.deepEqual([refused?.decision, refused?.ip], ['deny', '127.0.0.1']);
});
