import type { AuditFields } from './record.ts';

type FieldType = 'string' | 'number' | 'tool';

const types = {
  acr: 'string',
  api: 'string',
  authTime: 'number',
  binding: 'string',
  bytesIn: 'number',
  bytesOut: 'number',
  clientId: 'string',
  closedBy: 'string',
  code: 'string',
  configHash: 'string',
  count: 'number',
  decision: 'string',
  detail: 'string',
  durationMs: 'number',
  ip: 'string',
  issuer: 'string',
  method: 'string',
  path: 'string',
  requestId: 'string',
  rule: 'string',
  status: 'number',
  tokenId: 'string',
  tool: 'tool',
  traceId: 'string',
  upstream: 'string',
  user: 'string',
  userName: 'string',
} as const satisfies Record<keyof AuditFields, FieldType>;

const names = Object.keys(types) as (keyof AuditFields)[];
// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\0-\x7f]*$/;
const loneSurrogates = /[\uD800-\uDFFF]/gu;

/**
 * Copies the members that a record may hold. Any other member is left behind, so that an object
 * which carries a token beside them can't leak it into the audit.
 *
 * @param fields what the writer gave
 * @returns a new object without absent members; lone surrogates in texts become U+FFFD
 * @throws {TypeError} when a member has the wrong type: a writer's mistake, so nothing is recorded
 */
export function recordable(fields: AuditFields): AuditFields {
  const copy: Record<string, unknown> = {};
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined) copy[name] = checked(name, types[name], value);
  }
  return copy;
}

function checked(name: string, type: FieldType, value: unknown): unknown {
  if (type === 'string' && typeof value === 'string') return wellFormed(value);
  if (type === 'number' && typeof value === 'number' && Number.isFinite(value)) return value;
  if (type === 'tool' && typeof value === 'object' && value !== null) return tool(value);
  throw new TypeError(`audit field ${name} must be a ${type === 'tool' ? 'tool object' : type}`);
}

function tool(value: NonNullable<AuditFields['tool']>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  if (value.name !== undefined) copy['name'] = checked('tool.name', 'string', value.name);
  if (value.pid !== undefined) copy['pid'] = checked('tool.pid', 'number', value.pid);
  if (value.key !== undefined) copy['key'] = checked('tool.key', 'string', value.key);
  return copy;
}

function wellFormed(value: string): string {
  return ASCII.test(value) ? value : value.replace(loneSurrogates, '\uFFFD');
}

/**
 * The members of a `request` that its `outcome` repeats unless it has its own, so that a filter by
 * person, API or decision finds both halves.
 *
 * @param request the recordable fields of the request
 * @returns the members to repeat
 */
export function repeatedInOutcome(request: AuditFields): AuditFields {
  return only(request, ['issuer', 'user', 'api', 'decision', 'code']);
}

/**
 * The members of a `request` that its `interrupted` record repeats.
 *
 * @param request the recordable fields of the request
 * @returns the members to repeat
 */
export function repeatedInInterrupted(request: AuditFields): AuditFields {
  return only(request, ['requestId', 'issuer', 'user', 'api', 'method', 'path']);
}

function only(fields: AuditFields, kept: readonly (keyof AuditFields)[]): AuditFields {
  const copy: Record<string, unknown> = {};
  for (const name of kept) if (fields[name] !== undefined) copy[name] = fields[name];
  return copy;
}
