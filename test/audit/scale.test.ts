import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { AuditQuery } from '../../audit/query.ts';
import { queryLedger } from '../../audit/query.ts';
import { updateIndex } from '../../audit/search/build.ts';
import { removeIndex } from '../../audit/search/index-file.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { RARE_USER, STARTED_MS, STEP_MS, writeLargeLedger } from '../support/large-ledger.ts';
import { sharedDir } from '../support/private-dir.ts';

/** The nightly run takes a million. */
const records = Number(process.env['LATCHKEY_AUDIT_RECORDS'] ?? 60_000);

const at = (share: number): string =>
  new Date(STARTED_MS + records * share * STEP_MS).toISOString();

const queries: Readonly<Record<string, AuditQuery>> = {
  newest: {},
  user: { user: 'user4' },
  rareUser: { user: RARE_USER },
  nobody: { user: 'nobody' },
  api: { api: 'api3' },
  denied: { decision: 'deny' },
  code: { code: 'scope' },
  request: { requestId: `01JD${String(1234).padStart(22, '0')}` },
  hour: { since: at(0.25), until: at(0.26) },
  userAndCode: { user: 'user4', code: 'no_rule' },
  rareKind: { kinds: ['sign-in'] },
  deniedLongAgo: { decision: 'deny', until: at(0.1) },
};

/** Often enough that a busy machine lets one pass. */
function leastMs(run: () => unknown, runs = 60): number {
  const times = Array.from({ length: runs }, () => {
    const started = performance.now();
    run();
    return performance.now() - started;
  });
  return Math.min(...times);
}

describe('a large ledger', () => {
  const dir = sharedDir();
  let indexedMs = 0;

  before(() => {
    writeLargeLedger(dir(), records, { segmentRecords: Math.min(250_000, records / 4) });
    const started = performance.now();
    updateIndex(dir());
    indexedMs = performance.now() - started;
  });

  test('verifies on all cores, and says the same as on one', async (t) => {
    const started = performance.now();
    const quick = await verifyLedger(dir(), { threads: 2 });
    const ms = performance.now() - started;
    assert.deepEqual(quick.faults, []);
    assert.equal(quick.records, records);
    const alone = await verifyLedger(dir());
    assert.deepEqual(quick, alone);
    t.diagnostic(JSON.stringify({ verify: { records, threads: 2, ms: Math.round(ms) } }));
  });

  test('a first page is found with the index as without, sooner where little fits', (t) => {
    const indexed = Object.entries(queries).map(([name, query]) => ({
      name,
      page: queryLedger(dir(), query),
      ms: leastMs(() => queryLedger(dir(), query)),
    }));
    removeIndex(dir());
    const scanned = new Map(
      Object.entries(queries).map(([name, query]) => [
        name,
        { page: queryLedger(dir(), query), ms: leastMs(() => queryLedger(dir(), query), 9) },
      ]),
    );
    updateIndex(dir());
    for (const { name, page } of indexed) assert.deepEqual(page, scanned.get(name)?.page, name);
    for (const name of ['rareUser', 'nobody', 'request', 'rareKind']) {
      const [quick = 0, slow = 0] = [
        indexed.find((it) => it.name === name)?.ms,
        scanned.get(name)?.ms,
      ];
      assert.ok(quick < slow, `${name}: ${quick} ms with the index, ${slow} ms without`);
    }
    const told = indexed.map(({ name, ms }) => [name, Number(ms.toFixed(1))]);
    t.diagnostic(JSON.stringify({ queryMs: { records, ...Object.fromEntries(told) } }));
  });

  test('size for each request', (t) => {
    const bytes = (part: RegExp): number =>
      readdirSync(dir())
        .filter((name) => part.test(name))
        .reduce((sum, name) => sum + statSync(join(dir(), name)).size, 0);
    const [segments, index] = [bytes(/^audit-.*sqlite$/), bytes(/^index\.sqlite$/)];
    assert.ok(index < segments / 4, `${index} bytes of index for ${segments} of records`);
    const perRequest = (size: number): number => Math.round((2 * size) / records);
    t.diagnostic(
      JSON.stringify({
        bytesPerRequest: { records: perRequest(segments), index: perRequest(index) },
        indexedMs: Math.round(indexedMs),
      }),
    );
  });
});
