import type { AuditRecord } from '../../../audit/record.ts';
import { createHmac, randomBytes } from 'node:crypto';

/** What a bundle keeps of an audit record. */
export type ReducedRecord = Readonly<Record<string, unknown>>;

/** Listed, so that a member added to records some day stays out until somebody thinks about it. */
const kept = [
  'seq',
  'at',
  'kind',
  'side',
  'requestId',
  'issuer',
  'api',
  'rule',
  'method',
  'decision',
  'code',
  'status',
  'bytesIn',
  'bytesOut',
  'durationMs',
  'closedBy',
  'acr',
  'binding',
  'count',
] as const satisfies readonly (keyof AuditRecord)[];

/**
 * Makes a reducer: no name, no subject, no address, no more of a path than its first segment. People are told apart by
 * a pseudonym that nobody can compute again, since its key is forgotten.
 *
 * @param key of the pseudonyms; random unless a test gives one
 * @returns what to call on each record
 */
export function createReducer(
  key: Buffer = randomBytes(32),
): (record: AuditRecord) => ReducedRecord {
  return (record) => {
    const reduced: Record<string, unknown> = {};
    for (const name of kept) if (record[name] !== undefined) reduced[name] = record[name];
    const path = pathHead(record);
    if (path !== undefined) reduced['path'] = path;
    if (record.tool?.name !== undefined) reduced['tool'] = record.tool.name;
    if (record.user !== undefined) reduced['person'] = pseudonym(record, key);
    return reduced;
  };
}

/** Without an API the first segment may be anything that somebody typed. */
function pathHead({ api, path }: AuditRecord): string | undefined {
  if (api === undefined || path === undefined) return undefined;
  const [, head = '', ...rest] = path.split('/');
  return rest.length === 0 ? `/${head}` : `/${head}/…`;
}

function pseudonym({ issuer, user }: AuditRecord, key: Buffer): string {
  const digest = createHmac('sha256', key)
    .update(JSON.stringify([issuer, user]))
    .digest('hex');
  return `person-${digest.slice(0, 8)}`;
}
