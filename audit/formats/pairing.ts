import type { AuditRecord } from '../record.ts';

/** Finds the request that an outcome belongs to. */
export interface Pairing {
  /**
   * Remembers a request, and forgets it with its end.
   *
   * @returns the request of an `outcome` or `interrupted` record; undefined for all others, and where
   *   the request came before what is read
   */
  requestOf(record: AuditRecord): AuditRecord | undefined;
}

/** Some megabytes: more than a relay has under way. */
const MOST_OPEN = 10_000;

/**
 * An outcome does not repeat method, path and caller, and receivers judge one event at a time.
 *
 * @returns a pairing that knows no request yet
 */
export function createPairing(): Pairing {
  const open = new Map<string, AuditRecord>();
  return {
    requestOf(record) {
      const { kind, requestId } = record;
      if (requestId === undefined) return undefined;
      if (kind === 'outcome' || kind === 'interrupted') {
        const request = open.get(requestId);
        open.delete(requestId);
        return request;
      }
      if (kind === 'request') {
        open.set(requestId, record);
        const oldest = open.keys().next();
        if (open.size > MOST_OPEN && oldest.done !== true) open.delete(oldest.value);
      }
      return undefined;
    },
  };
}
