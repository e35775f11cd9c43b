import { AuditError } from './errors.ts';
import { openNames } from './people/reveal.ts';
import type { AuditKind, AuditRecord } from './record.ts';
import { toRecord } from './reader.ts';
import { newestRows } from './search/newest-rows.ts';

/** What a reader may ask for; every member narrows the answer. */
export interface AuditQuery {
  readonly user?: string;
  readonly api?: string;
  readonly decision?: 'allow' | 'deny';
  readonly code?: string;
  readonly kinds?: readonly AuditKind[];
  readonly requestId?: string;
  /** RFC 3339, inclusive. */
  readonly since?: string;
  /** RFC 3339, exclusive. */
  readonly until?: string;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  /** Opaque: the `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** One page, newest record first. */
export interface AuditPage {
  readonly records: readonly AuditRecord[];
  readonly nextCursor?: string;
}

const maxLimit = 1000;

/**
 * Reads one page of a ledger, newest record first; works while it is being written.
 *
 * @param dir the ledger's directory
 * @param query filters, page size and cursor
 * @returns the page, with a cursor when there may be more
 * @throws {AuditError} `audit_query` for a limit, time or cursor that can't be used; `audit_config`
 */
export function queryLedger(dir: string, query: AuditQuery): AuditPage {
  const limit = query.limit ?? 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new AuditError('audit_query', `limit must be a whole number from 1 to ${maxLimit}`);
  }
  const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
  const names = openNames(dir);
  try {
    const people = query.user === undefined ? undefined : names.pseudonymsOf(query.user);
    const rows = newestRows(dir, { ...query, people }, { before, most: limit + 1 });
    const records = rows.slice(0, limit).map((row) => names.reveal(toRecord(row)));
    if (rows.length <= limit) return { records };
    return { records, nextCursor: cursorBefore(records.at(-1)?.seq ?? 0) };
  } finally {
    names.close();
  }
}

/**
 * Makes the cursor of the page that begins below a record, for who jumps rather than reads on.
 *
 * @param seq its number
 * @returns a cursor
 */
export function cursorBefore(seq: number): string {
  return Buffer.from(`1:${seq}`).toString('base64url');
}

function readCursor(cursor: string): number {
  const match = /^1:(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match) return Number(match[1]);
  throw new AuditError('audit_query', 'cursor must be the nextCursor of an earlier page');
}
