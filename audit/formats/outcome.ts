import type { AuditRecord } from '../record.ts';

/** What a record says of success: an allowed request has not ended yet. */
export type Result = 'success' | 'failure' | 'pending';

/**
 * Tells how what a record is about went.
 *
 * @param record any
 * @returns `failure` for what was denied, interrupted, or answered with 400 and above
 */
export function resultOf({ kind, decision, status }: AuditRecord): Result {
  if (decision === 'deny' || kind === 'interrupted') return 'failure';
  if (kind === 'request') return 'pending';
  return status !== undefined && (status >= 400 || status < 100) ? 'failure' : 'success';
}
