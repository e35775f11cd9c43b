import type { AuditFields, RecordedFields } from './record.ts';

type Complete = {
  -readonly [Name in keyof RecordedFields]-?: RecordedFields[Name] | undefined;
};

function wrong(name: string, type: string): TypeError {
  return new TypeError(`audit field ${name} must be a ${type}`);
}

function text<T extends string>(name: string, value: T | undefined): T | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw wrong(name, 'string');
  return value.toWellFormed() as T;
}

function amount(name: string, value: number | undefined): number | undefined {
  if (value === undefined || Number.isFinite(value)) return value;
  throw wrong(name, 'number');
}

function tool(value: AuditFields['tool']): AuditFields['tool'] {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) throw wrong('tool', 'tool object');
  const name = text('tool.name', value.name);
  const pid = amount('tool.pid', value.pid);
  const key = text('tool.key', value.key);
  return {
    ...(name === undefined ? {} : { name }),
    ...(pid === undefined ? {} : { pid }),
    ...(key === undefined ? {} : { key }),
  };
}

/** One after the other, and all of them each time: a record costs a fraction of what a loop over names does. */
function complete(given: AuditFields): Complete {
  return {
    acr: text('acr', given.acr),
    api: text('api', given.api),
    authTime: amount('authTime', given.authTime),
    binding: text('binding', given.binding),
    bytesIn: amount('bytesIn', given.bytesIn),
    bytesOut: amount('bytesOut', given.bytesOut),
    clientId: text('clientId', given.clientId),
    closedBy: text('closedBy', given.closedBy),
    code: text('code', given.code),
    configHash: text('configHash', given.configHash),
    count: amount('count', given.count),
    decision: text('decision', given.decision),
    detail: text('detail', given.detail),
    durationMs: amount('durationMs', given.durationMs),
    expiry: undefined,
    ip: text('ip', given.ip),
    issuer: text('issuer', given.issuer),
    method: text('method', given.method),
    path: text('path', given.path),
    requestId: text('requestId', given.requestId),
    rule: text('rule', given.rule),
    sealed: undefined,
    segment: undefined,
    status: amount('status', given.status),
    tokenId: text('tokenId', given.tokenId),
    tool: tool(given.tool),
    traceId: text('traceId', given.traceId),
    upstream: text('upstream', given.upstream),
    user: text('user', given.user),
    userName: text('userName', given.userName),
    who: undefined,
  };
}

/**
 * Copies the members that a record may hold. Any other member is left behind, so that an object
 * which carries a token beside them can't leak it into the audit.
 *
 * @param fields what the writer gave
 * @returns a new object that has every member, undefined where it is absent; lone surrogates in texts
 *   become U+FFFD
 * @throws {TypeError} when a member has the wrong type: a writer's mistake, so nothing is recorded
 */
export function recordable(fields: AuditFields): AuditFields {
  return complete(fields) as AuditFields;
}

/**
 * Copies the members of an `outcome`, and of its `request` what it repeats, so that a filter by person,
 * API or decision finds both halves.
 *
 * @param outcome what the writer gave; whom it names stays out, since its request says so
 * @param request the recorded fields of the request
 * @returns as {@link recordable}
 * @throws {TypeError} as {@link recordable}
 */
export function recordableOutcome(outcome: AuditFields, request: RecordedFields): RecordedFields {
  const own = complete(outcome);
  own.issuer ??= request.issuer;
  own.api ??= request.api;
  own.decision ??= request.decision;
  own.code ??= request.code;
  own.requestId = request.requestId;
  own.user = request.user;
  own.who = request.who;
  own.userName = undefined;
  own.tokenId = undefined;
  own.ip = undefined;
  return own as RecordedFields;
}

/**
 * The members of a `request` that its `interrupted` record repeats.
 *
 * @param request the recorded fields of the request
 * @returns the members to repeat
 */
export function repeatedInInterrupted(request: RecordedFields): RecordedFields {
  return only(request, ['requestId', 'issuer', 'user', 'who', 'api', 'method', 'path']);
}

function only(fields: RecordedFields, kept: readonly (keyof RecordedFields)[]): RecordedFields {
  const copy: Record<string, unknown> = {};
  for (const name of kept) if (fields[name] !== undefined) copy[name] = fields[name];
  return copy;
}
