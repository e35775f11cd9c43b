import fc from 'fast-check';
import { createFormatter } from '../../../audit/formats/format.ts';
import type { AuditFormat } from '../../../audit/formats/names.ts';
import type { AuditFields, AuditKind, AuditRecord } from '../../../audit/record.ts';

let seq = 0;

/** A record as readers give it; each has the next number. */
export function record(kind: AuditKind, fields: AuditFields = {}): AuditRecord {
  seq += 1;
  return {
    seq,
    id: `01J${String(seq).padStart(23, '0')}`,
    at: new Date(Date.UTC(2026, 10, 29, 12, 0, 0, seq)).toISOString(),
    kind,
    side: 'relay',
    ...fields,
    hash: 'a'.repeat(64),
    prev: 'b'.repeat(64),
  };
}

/** Everything that a request can say. */
export const WHOLE = {
  requestId: '01J0000000000000000000000R',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  issuer: 'https://idp.example.com',
  user: '248289761001',
  userName: 'Alice',
  clientId: 'latchkey-desktop',
  tool: { name: 'curl', pid: 4711, key: 'ci' },
  ip: '192.0.2.7',
  api: 'billing',
  rule: 'read',
  method: 'GET',
  path: '/invoices/7?page=2',
  decision: 'allow',
  tokenId: 'c29tZSBoYXNo',
  authTime: 1_790_000_000,
  acr: 'mfa',
  binding: 'dpop',
  configHash: 'c'.repeat(64),
} satisfies AuditFields;

/** How that request ended, as the ledger repeats its members. */
export const ENDED = {
  requestId: WHOLE.requestId,
  issuer: WHOLE.issuer,
  user: WHOLE.user,
  api: WHOLE.api,
  decision: 'allow',
  status: 200,
  upstream: 'https://10.0.0.5:9001',
  bytesIn: 0,
  bytesOut: 512,
  durationMs: 12.5,
  closedBy: 'upstream',
} satisfies AuditFields;

/** Texts of what formats have a meaning for, with letters among them. */
export const hostile = fc
  .array(
    fc.constantFrom(
      ...Array.from('=+-@\t\r\n,;"\'|\\[]{} a1é\0\u0085\u2028\u{1f511}'),
      'CEF:0|',
      ' act=allow',
      '\r\n',
      '""',
      '\\n',
    ),
  )
  .map((parts) => parts.join(''));

/** The lines of these records, one after the other. */
export function written(format: AuditFormat, ...records: readonly AuditRecord[]): string[] {
  const formatter = createFormatter(format, { version: '1.2.3' });
  return records.map((each) => formatter.line(each));
}
