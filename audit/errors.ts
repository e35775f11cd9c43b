/**
 * - `audit_unavailable`: a record could not be committed; the same call may succeed later
 * - `audit_locked`: another process writes this ledger
 * - `audit_tampered`: what is on disk is not what this ledger wrote
 * - `audit_config`: a directory, file or option that can't be used as it is
 * - `audit_query`: a query or filter that can't be understood
 * - `audit_refused`: what was asked for can't be done as things are: nobody by that name, a legal hold
 */
export type AuditErrorCode =
  | 'audit_unavailable'
  | 'audit_locked'
  | 'audit_tampered'
  | 'audit_config'
  | 'audit_query'
  | 'audit_refused';

/** What the audit throws; the message is for operators and may name files, never record contents. */
export class AuditError extends Error {
  readonly code: AuditErrorCode;

  /**
   * @param code one of the closed list
   * @param message what is wrong and what to do
   * @param options `cause` is kept for the log
   */
  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuditError';
    this.code = code;
  }
}
