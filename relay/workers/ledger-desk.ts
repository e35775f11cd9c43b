import { ulid } from 'ulid';
import type { Ledger, OpenRecord } from '../../audit/ledger.ts';
import type { AuditFields } from '../../audit/record.ts';
import type { PrimaryProcedures } from './procedures.ts';

/** Writes one worker's records into the ledger of all. */
export interface LedgerDesk extends Pick<
  PrimaryProcedures,
  'admit' | 'note' | 'finish' | 'interrupt' | 'append'
> {
  /** The worker is gone: what it left open is marked `interrupted`. */
  left(): void;
}

/** Tells ids that were used before, by whichever worker. */
export interface UsedIds {
  /** @returns the id itself, or another in its place when it was used lately */
  unused(requestId: string): string;
}

/**
 * Remembers the ids of recent requests, so that none of them names two, wherever they are served.
 *
 * @param remember how many at least
 * @returns an empty memory
 */
export function createUsedIds(remember = 20_000): UsedIds {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    unused(requestId) {
      const id = young.has(requestId) || old.has(requestId) ? ulid() : requestId;
      young.add(id);
      if (young.size >= remember) {
        old = young;
        young = new Set();
      }
      return id;
    },
  };
}

/**
 * Makes the desk of one worker.
 *
 * @param ledger the one ledger
 * @param ids the ids that all workers have used
 * @returns the desk
 */
export function createLedgerDesk(
  ledger: Pick<Ledger, 'admit' | 'note' | 'append'>,
  ids: UsedIds,
): LedgerDesk {
  const open = new Map<number, OpenRecord>();
  let isLeft = false;
  return {
    async admit(number, fields) {
      const requestId = ids.unused(fields.requestId);
      const isOwn = requestId === fields.requestId;
      const record = await ledger.admit(isOwn ? fields : { ...fields, requestId });
      // Committed after all, for nobody: whoever asked will never let the request go on.
      if (isLeft) record.interrupt();
      else open.set(number, record);
      return isOwn ? null : requestId;
    },
    note(number, fields) {
      try {
        open.set(number, ledger.note(fields));
      } catch {
        // The queue is full, which readiness shows; the API does without an audit.
      }
    },
    finish(number, outcome: AuditFields) {
      const record = open.get(number);
      open.delete(number);
      record?.finish(outcome);
    },
    interrupt(number) {
      const record = open.get(number);
      open.delete(number);
      record?.interrupt();
    },
    append: (kind, fields) => ledger.append(kind, fields),
    left() {
      isLeft = true;
      for (const record of open.values()) record.interrupt();
      open.clear();
    },
  };
}
