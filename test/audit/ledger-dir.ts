import Database from 'better-sqlite3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLedger, type Ledger, type LedgerOptions } from '../../audit/ledger.ts';
import { restoreGuards } from '../../audit/guards.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { FORMAT } from '../../audit/segment.ts';
import { exportLedger } from '../../audit/export.ts';

/** A directory for a ledger, removed after the test. */
export function ledgerDir(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'latchkey-audit-'));
  t.after(() => {
    rmSync(parent, { recursive: true, force: true });
  });
  return join(parent, 'audit');
}

/** A ledger that is closed after the test. */
export function openLedger(
  t: TestContext,
  dir: string,
  options: Partial<LedgerOptions> = {},
): Ledger {
  const ledger = createLedger({ dir, side: 'relay', ...options });
  t.after(() => ledger.close());
  return ledger;
}

/** Writes `count` whole requests, `r0`, `r1`, …, by three people. */
export async function writeRequests(ledger: Ledger, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const record = await ledger.admit({
      requestId: `r${i}`,
      user: `user${i % 3}`,
      api: i % 2 === 0 ? 'billing' : 'legacy',
      method: 'GET',
      path: `/invoices/${i}`,
      decision: i % 5 === 4 ? 'deny' : 'allow',
      ...(i % 5 === 4 ? { code: 'scope' } : {}),
    });
    record.finish({ status: i % 5 === 4 ? 403 : 200 });
  }
}

export async function allRecords(dir: string): Promise<AuditRecord[]> {
  let text = '';
  for await (const chunk of exportLedger(dir, { format: 'jsonl' })) text += chunk;
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as AuditRecord);
}

function hasOpen(records: readonly AuditRecord[]): boolean {
  const ended = new Set(
    records
      .filter(({ kind }) => kind === 'outcome' || kind === 'interrupted')
      .map(({ requestId }) => requestId),
  );
  return records.some(
    ({ kind, decision, user, requestId }) =>
      kind === 'request' && (decision === 'allow' || user !== undefined) && !ended.has(requestId),
  );
}

/**
 * All records once each request that was allowed, or of somebody recognised, has its end, which is written a
 * little after the answer. Waits at most 60 s.
 */
export async function settledRecords(dir: string): Promise<AuditRecord[]> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const records = await allRecords(dir);
    if (!hasOpen(records) || Date.now() > deadline) return records;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** What somebody with access to the files can do: anything, once the triggers are gone, which are then put back. */
export function tamper(dir: string, change: (db: Database.Database) => void, segment = 1): void {
  const db = new Database(join(dir, `audit-${String(segment).padStart(6, '0')}.sqlite`));
  try {
    for (const name of ['append', 'update', 'delete']) db.exec(`DROP TRIGGER records_${name}`);
    change(db);
    restoreGuards(db, FORMAT);
  } finally {
    db.close();
  }
}

/** A closed ledger with `count` requests, all of one moment. */
export async function writtenAt(t: TestContext, atMs: number, count: number): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay', now: () => atMs });
  await writeRequests(ledger, count);
  await ledger.close();
  return dir;
}
