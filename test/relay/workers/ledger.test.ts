import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { AuditError } from '../../../audit/errors.ts';
import type { Ledger } from '../../../audit/ledger.ts';
import type { AuditFields } from '../../../audit/record.ts';
import { verifyLedger } from '../../../audit/verify.ts';
import { createCalls } from '../../../relay/workers/calls.ts';
import { createLedgerDesk, createUsedIds } from '../../../relay/workers/ledger-desk.ts';
import type { PrimaryProcedures } from '../../../relay/workers/procedures.ts';
import { createRemoteLedger } from '../../../relay/workers/remote-ledger.ts';
import { allRecords, ledgerDir, openLedger } from '../../audit/ledger-dir.ts';
import { until } from '../../support/until.ts';

/** A side that is asked for nothing. */
interface Idle {
  idle(): void;
}

type Desk = Pick<PrimaryProcedures, 'admit' | 'note' | 'finish' | 'interrupt' | 'append'>;

const request = (requestId: string) => ({ requestId, decision: 'allow', path: '/é' }) as const;
const DONE: AuditFields = { status: 200, bytesOut: 1, closedBy: 'upstream' };

/** A worker's ledger and the desk that serves it. */
function connect(
  t: TestContext,
  ledger: Pick<Ledger, 'admit' | 'note' | 'append'>,
  options: { readonly limit?: number; readonly patienceMs?: number; readonly ids?: UsedIds } = {},
) {
  const [near, far] = duplexPair();
  const desk = createLedgerDesk(ledger, options.ids ?? createUsedIds());
  createCalls<Idle, Desk>(far, desk, { flush: 'tick', closed: () => desk.left() });
  const calls = createCalls<PrimaryProcedures, Idle>(
    near,
    { idle: () => {} },
    { flush: 'turn', closed: () => {} },
  );
  const clock = { ms: 1_000_000 };
  const remote = createRemoteLedger(calls, { now: () => clock.ms, ...options });
  t.after(() => {
    remote.close();
    near.destroy();
    far.destroy();
  });
  return { remote, clock, die: () => near.destroy() };
}

type UsedIds = ReturnType<typeof createUsedIds>;

test('records of several workers are one chain', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const workers = [connect(t, ledger), connect(t, ledger)];
  await Promise.all(
    Array.from({ length: 60 }, async (_, at) => {
      const open = await workers[at % 2]?.remote.admit(request(`r${at}`));
      assert.equal(open?.requestId, `r${at}`);
      open?.finish(DONE);
      open?.finish({ ...DONE, status: 500 });
    }),
  );
  await workers[0]?.remote.append('sign-out', { user: 'alice' });
  await until('all records are written', () => ledger.health().head >= 1 + 120 + 1);
  const records = await allRecords(dir);
  assert.equal(records.filter(({ kind }) => kind === 'request').length, 60);
  const outcomes = records.filter(({ kind }) => kind === 'outcome');
  assert.deepEqual([...new Set(outcomes.map(({ status }) => status))], [200]);
  await ledger.close();
  assert.equal((await verifyLedger(dir)).ok, true);
});

test('what a dead worker left open is marked at once, also what was on its way', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const { remote, die } = connect(t, ledger);
  await remote.admit(request('open'));
  (await remote.admit(request('ended'))).finish(DONE);
  const late = assert.rejects(remote.admit(request('late')), /gone/);
  // Sent, and committed for nobody.
  await new Promise((resolve) => setImmediate(resolve));
  die();
  await late;
  await until('all records are written', () => ledger.health().head >= 1 + 3 + 3);
  const records = await allRecords(dir);
  const of = (kind: string) =>
    records.filter((record) => record.kind === kind).map(({ requestId }) => requestId);
  assert.deepEqual(of('request'), ['open', 'ended', 'late']);
  assert.deepEqual(of('outcome'), ['ended']);
  assert.deepEqual(new Set(of('interrupted')), new Set(['late', 'open']));
  await ledger.close();
  const again = openLedger(t, dir);
  await again.close();
  const after = await allRecords(dir);
  assert.equal(after.filter(({ kind }) => kind === 'interrupted').length, 2, 'marked only once');
});

test('a noted record needs no answer, and its outcome finds it', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const { remote, die } = connect(t, ledger);
  remote.note(request('a')).finish(DONE);
  remote.note(request('b'));
  await remote.append('sign-out', {});
  die();
  await until('the interruption is recorded', () =>
    ledger.query({}).records.some(({ kind }) => kind === 'interrupted'),
  );
  await ledger.close();
  const seen = (await allRecords(dir)).map(({ kind, requestId }) => `${kind} ${requestId}`);
  assert.deepEqual(
    seen.filter((line) => / [ab]$/.test(line)),
    ['request a', 'outcome a', 'request b', 'interrupted b'],
  );
});

test('an audit that cannot be written refuses the request', async (t) => {
  const full = new AuditError('audit_unavailable', 'the disk is full');
  const { remote } = connect(t, {
    admit: () => Promise.reject(full),
    note: () => {
      throw full;
    },
    append: () => Promise.reject(full),
  });
  const refused = { name: 'AuditError', code: 'audit_unavailable' };
  await assert.rejects(remote.admit(request('a')), refused);
  await assert.rejects(remote.append('sign-out', {}), refused);
});

test('a primary that does not answer lets nothing through, and nothing pile up', async (t) => {
  const ended: AuditFields[] = [];
  let commit = (): void => {};
  const { remote, clock } = connect(
    t,
    {
      admit: ({ requestId }) =>
        new Promise((resolve) => {
          commit = () =>
            resolve({ requestId, finish: (end) => ended.push(end), interrupt: () => {} });
        }),
      note: () => assert.fail('nothing is noted here'),
      append: () => Promise.resolve(),
    },
    { limit: 1, patienceMs: 5_000 },
  );
  const waiting = assert.rejects(remote.admit(request('a')), { code: 'audit_unavailable' });
  await assert.rejects(remote.admit(request('b')), { code: 'audit_unavailable' });
  clock.ms += 4_000;
  assert.equal(remote.health().lagMs, 4_000);
  clock.ms += 1_001;
  await waiting;
  // Committed after all: the record says that nothing went through.
  commit();
  await until('the request has ended', () => ended.length === 1);
  assert.deepEqual([ended[0]?.status, ended[0]?.code], [503, 'audit_unavailable']);
});

test('an id that another worker has used names no second request', async (t) => {
  const ids = createUsedIds();
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const workers = [connect(t, ledger, { ids }), connect(t, ledger, { ids })];
  const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const first = await workers[0]?.remote.admit(request(ID));
  const second = await workers[1]?.remote.admit(request(ID));
  assert.equal(first?.requestId, ID);
  assert.match(second?.requestId ?? '', /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.notEqual(second?.requestId, ID);
  const recorded = (await allRecords(dir)).filter(({ kind }) => kind === 'request');
  assert.deepEqual(
    recorded.map(({ requestId }) => requestId),
    [ID, second?.requestId],
  );
});

test('ids are forgotten in time', () => {
  const ids = createUsedIds(3);
  for (const id of ['a', 'b', 'c', 'd']) assert.equal(ids.unused(id), id);
  assert.notEqual(ids.unused('a'), 'a');
  for (const id of ['e', 'f', 'g', 'h', 'i']) ids.unused(id);
  assert.equal(ids.unused('b'), 'b');
});
