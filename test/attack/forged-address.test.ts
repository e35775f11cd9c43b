import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settledRecords } from '../audit/ledger-dir.ts';
import { bearer, send } from '../support/refused.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { statusOf } from '../support/raw.ts';

/** The test is the load balancer, which vouches for the client's address in one of the fields. */
const TOP = 'trustedProxies: [127.0.0.1/32]';
const CLIENT = 'X-Forwarded-For: 203.0.113.9';

async function ask(bench: RelayBench, ...fields: readonly string[]): Promise<number> {
  const token = bearer(await bench.token());
  return statusOf(await send(bench, [...token, ...fields, 'Connection: close']));
}

const UNTOLD = [
  [CLIENT, 'Forwarded: for=10.9.9.9'],
  [CLIENT, 'Forwarded: for=127.0.0.1'],
  [CLIENT, 'Forwarded: proto=https'],
  [CLIENT, 'Forwarded:'],
  ['X-Forwarded-For: 203.0.113.9, unknown'],
  ['X-Forwarded-For: 203.0.113.9,'],
  ['X-Forwarded-For: unknown'],
  ['Forwarded: for=unknown'],
  ['Forwarded: for=_hidden'],
  ['Forwarded: for=203.0.113.9', 'X-Forwarded-For: 10.9.9.9'],
] as const;

test('behind a load balancer nobody chooses the address that rules allow', async (t) => {
  const bench = await createRelayBench(t, {
    top: TOP,
    rules: '      - { name: inside, allow: { scopes: [read], from: [10.0.0.0/8, 127.0.0.0/8] } }',
  });
  assert.equal(await ask(bench, 'X-Forwarded-For: 10.1.2.3'), 200);
  assert.equal(await ask(bench, CLIENT), 403);
  for (const fields of UNTOLD) assert.equal(await ask(bench, ...fields), 403, fields.join());
  assert.equal(await ask(bench, 'X-Forwarded-For: 10.1.2.3:4711', 'Forwarded: for=10.1.2.3'), 200);
  const records = await settledRecords(bench.auditDir);
  const refused = records.filter(({ kind, code }) => kind === 'request' && code === 'network');
  assert.deepEqual(
    refused.map(({ ip }) => ip),
    ['203.0.113.9', ...UNTOLD.map(() => undefined)],
    'an address that cannot be told is not recorded as another',
  );
});

test('nor the one that a rule shuts out', async (t) => {
  const bench = await createRelayBench(t, {
    top: TOP,
    rules: `      - { name: shut, deny: { from: [203.0.113.0/24] } }
      - { name: any, allow: { scopes: [read] } }`,
  });
  assert.equal(await ask(bench, 'X-Forwarded-For: 198.51.100.1'), 200);
  assert.equal(await ask(bench, 'X-Forwarded-For: 203.0.113.9:4711'), 403);
  for (const fields of UNTOLD) assert.equal(await ask(bench, ...fields), 403, fields.join());
});

test('nor an allowance of their own for each request', async (t) => {
  const bench = await createRelayBench(t, {
    top: TOP,
    api: '    limits: { rate: { requests: 3, per: 1h, by: ip } }',
  });
  const statuses: number[] = [];
  for (let at = 0; at < 6; at++)
    statuses.push(await ask(bench, CLIENT, `Forwarded: for=198.51.100.${at}`));
  assert.deepEqual(statuses, [200, 200, 200, 429, 429, 429]);
});
