import type { AuditRecord } from './record.ts';

/**
 * Names what sent a request: the program as the app knows it, else the OAuth client, which the relay knows
 * of everybody recognised.
 *
 * @param record of kind `request`
 * @returns the name; `undefined` when nothing is known
 */
export function toolOf({ tool, clientId }: AuditRecord): string | undefined {
  return tool?.name ?? tool?.key ?? clientId;
}
