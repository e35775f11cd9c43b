import type { TestContext } from 'node:test';
import type { AuditFields, AuditKind, AuditSide } from '../../audit/record.ts';
import type { LedgerOptions } from '../../audit/ledger.ts';
import { ledgerDir, openLedger } from './ledger-dir.ts';

/** A request with its end, as a test wants it to have been. */
export interface PastRequest extends AuditFields {
  /** RFC 3339. */
  readonly at: string;
  /** How it ended; `undefined` leaves it open. */
  readonly end?: AuditFields;
}

/** A ledger whose clock is the test's. */
export interface PastLedger {
  readonly dir: string;
  request(request: PastRequest): Promise<void>;
  append(
    at: string,
    kind: Exclude<AuditKind, 'request' | 'outcome'>,
    fields: AuditFields,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Opens a ledger that is closed and removed after the test. */
export function openPastLedger(
  t: TestContext,
  side: AuditSide = 'relay',
  options: Partial<LedgerOptions> = {},
): PastLedger {
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  let requests = 0;
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { side, now: () => nowMs, ...options });
  return {
    dir,
    async request({ at, end, ...fields }) {
      nowMs = Date.parse(at);
      requests += 1;
      const open = await ledger.admit({ requestId: `r${requests}`, ...fields });
      if (end !== undefined) open.finish(end);
    },
    async append(at, kind, fields) {
      nowMs = Date.parse(at);
      await ledger.append(kind, fields);
    },
    close: () => ledger.close(),
  };
}
