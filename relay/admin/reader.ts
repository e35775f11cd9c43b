import type { AuditFields } from '../../audit/record.ts';

/** Who looks at the audit. */
export interface Reader {
  /** Absent where nobody signs in: whoever can reach the listener on this machine. */
  readonly person?: {
    readonly issuer: string;
    readonly user: string;
    readonly userName?: string;
  };
  readonly ip?: string;
}

/**
 * Names a reader in the audit.
 *
 * @param reader who looks
 * @returns the members of a record that tell
 */
export function readerFields({ person, ip }: Reader): AuditFields {
  return { ...person, ...(ip === undefined ? {} : { ip }) };
}
