import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type Database from 'better-sqlite3';
import { seal } from '../../audit/chain.ts';
import { createLedger } from '../../audit/ledger.ts';
import type { Expiry } from '../../audit/record.ts';
import { createStubDigest } from '../../audit/retention/stub.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, tamper, writeRequests } from '../audit/ledger-dir.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-01-01T12:00:00Z');

/** A ledger of which the records of one API have expired; the other's are still there. */
async function expired(t: TestContext): Promise<string> {
  const dir = ledgerDir(t);
  const first = createLedger({ dir, side: 'relay', now: () => start });
  await writeRequests(first, 20);
  await first.close();
  const second = createLedger({
    dir,
    side: 'relay',
    now: () => start + 31 * DAY,
    retention: () => ({ defaultMs: 400 * DAY, apis: { billing: 30 * DAY } }),
  });
  const isThinned = (): boolean =>
    !second.query({ api: 'billing', kinds: ['request'] }).records.length;
  await until('the records have expired', isThinned);
  await second.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  return dir;
}

async function found(dir: string): Promise<string> {
  const { ok, faults } = await verifyLedger(dir);
  assert.equal(ok, faults.length === 0);
  return faults.map(({ seq, what }) => `${seq ?? '-'}: ${what}`).join('\n');
}

/** Replaces a whole record by a stub that fits the chain, as somebody would who wants it gone. */
function disguise(db: Database.Database, batch: string, limit: object): number {
  const row = db
    .prepare(
      "SELECT seq, hash, body FROM records WHERE kind = 'request' AND api = 'legacy' LIMIT 1",
    )
    .get() as { seq: number; hash: string; body: string };
  const { prev } = JSON.parse(row.body) as { prev: string };
  const body = JSON.stringify({ batch, first: row.seq, prev, ...limit });
  db.prepare(
    `UPDATE records SET kind = 'expired', request_id = NULL, user = NULL, api = NULL, decision = NULL,
     code = NULL, body = ? WHERE seq = ?`,
  ).run(body, row.seq);
  return row.seq;
}

const old = { until: '2026-06-01T00:00:00.000Z', retentionMs: 30 * DAY };

test('a deleted record in the guise of an expired one is found', async (t) => {
  const dir = await expired(t);
  tamper(dir, (db) => disguise(db, 'no-such-batch', old));
  assert.match(await found(dir), /records are gone from here on, and no expire record says/);
});

test('a deleted record added to what an expire record tells of is found', async (t) => {
  const dir = await expired(t);
  const said = (await allRecords(dir)).find(({ kind }) => kind === 'expire');
  tamper(dir, (db) => disguise(db, said?.expiry?.batch ?? '', old));
  assert.match(await found(dir), /not those that expired by record \d+/);
});

test('a removed stub is found', async (t) => {
  const dir = await expired(t);
  tamper(dir, (db) => {
    db.exec(
      "DELETE FROM records WHERE seq = (SELECT max(seq) FROM records WHERE kind = 'expired')",
    );
  });
  const faults = await found(dir);
  assert.match(faults, /missing/);
  assert.match(faults, /not those that expired/);
});

test('a stub that stands for younger records than it may is found', async (t) => {
  const dir = await expired(t);
  tamper(dir, (db) => {
    db.exec(`UPDATE records SET at = '2026-01-30T12:00:00.000Z'
             WHERE seq = (SELECT min(seq) FROM records WHERE kind = 'expired')`);
  });
  assert.match(await found(dir), /too young to expire/);
});

test('a stub that was stretched over a record beside it is found', async (t) => {
  const dir = await expired(t);
  tamper(dir, (db) => {
    const stub = db
      .prepare("SELECT seq, body FROM records WHERE kind = 'expired' ORDER BY seq DESC LIMIT 1")
      .get() as { seq: number; body: string };
    const next = db
      .prepare('SELECT seq, at, hash FROM records WHERE seq > ? ORDER BY seq')
      .get(stub.seq) as { seq: number; hash: string };
    db.prepare('DELETE FROM records WHERE seq = ?').run(next.seq);
    db.prepare('UPDATE records SET seq = ?, hash = ? WHERE seq = ?').run(
      next.seq,
      next.hash,
      stub.seq,
    );
  });
  assert.match(await found(dir), /not those that expired/);
});

test('a stub without its account is found', async (t) => {
  const dir = await expired(t);
  tamper(dir, (db) => db.exec("UPDATE records SET body = '{}' WHERE kind = 'expired'"));
  assert.match(await found(dir), /does not say which/);
});

test('an account that was changed to fit other stubs is found', async (t) => {
  const dir = await expired(t);
  tamper(
    dir,
    (db) => {
      db.exec(`UPDATE records SET body = replace(body, '"count":20', '"count":21')
               WHERE kind = 'expire'`);
    },
    2,
  );
  assert.match(await found(dir), /its contents were changed/);
});

test('a young record that is said to have expired by a record made for that is found', async (t) => {
  const dir = await expired(t);
  const records = await allRecords(dir);
  const [last] = records.slice(-1);
  const limit = { until: '2026-01-01T13:00:00.000Z', retentionMs: 30 * DAY };
  const at = '2026-01-01T12:30:00.000Z';
  tamper(
    dir,
    (db) => {
      // The stop of the day on which the others expired: signed checkpoints before it say how young it is.
      const { seq, hash } = db
        .prepare("SELECT seq, hash FROM records WHERE kind = 'stop'")
        .get() as { seq: number; hash: string };
      const { prev } = last as { prev: string };
      const stub = { first: seq, seq, prev, hash, at, limit };
      const digest = createStubDigest();
      digest.add(stub);
      const body = JSON.stringify({ batch: 'forged', first: seq, prev, ...limit });
      db.prepare("UPDATE records SET kind = 'expired', at = ?, body = ? WHERE seq = ?").run(
        at,
        body,
        seq,
      );
      const expiry = { batch: 'forged', digest: digest.finish(), from: seq, ...limit, to: seq };
      const sorted = Object.fromEntries(
        Object.entries(expiry).sort(([a], [b]) => (a < b ? -1 : 1)),
      ) as unknown as Expiry;
      const now = new Date(start + 32 * DAY).toISOString();
      const content = { id: 'x', at: now, kind: 'expire', side: 'relay' } as const;
      const forged = seal({ ...content, fields: { count: 1, expiry: sorted } }, { seq, hash });
      db.prepare('INSERT INTO records VALUES (?, ?, ?, NULL, NULL, NULL, NULL, NULL, ?, ?)').run(
        forged.seq,
        now,
        'expire',
        forged.body,
        forged.hash,
      );
    },
    2,
  );
  assert.equal(
    await found(dir),
    `${last?.seq}: record ${last?.seq} is said to have expired as older than the checkpoint that was signed before it`,
  );
});
