import type { AuditKind, AuditSide, RecordedFields } from './record.ts';

/** A record before it has its place in the chain. */
export interface Content {
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly kind: AuditKind;
  readonly side: AuditSide;
  /** As `recordable` gave them, of known names and types, texts well-formed; members of `expiry` in order of names. */
  readonly fields: RecordedFields;
}

/** Where a record stands. */
export interface Place {
  readonly seq: number;
  readonly prev: string;
}

/**
 * Writes a record as canonical JSON, without its hash. JSON.stringify writes texts and numbers as RFC 8785
 * §3.2.2 wants them; the members stand in order of their names here, since sorting them for each record
 * would cost more than all the rest.
 *
 * @param content the record
 * @param place where it stands
 * @returns what `canonicalJson` would write
 * @see RFC 8785
 */
export function serialize({ fields, at, id, kind, side }: Content, { seq, prev }: Place): string {
  return JSON.stringify({
    acr: fields.acr,
    api: fields.api,
    at,
    authTime: fields.authTime,
    binding: fields.binding,
    bytesIn: fields.bytesIn,
    bytesOut: fields.bytesOut,
    clientId: fields.clientId,
    closedBy: fields.closedBy,
    code: fields.code,
    configHash: fields.configHash,
    count: fields.count,
    decision: fields.decision,
    detail: fields.detail,
    durationMs: fields.durationMs,
    expiry: fields.expiry,
    id,
    ip: fields.ip,
    issuer: fields.issuer,
    kind,
    method: fields.method,
    path: fields.path,
    prev,
    requestId: fields.requestId,
    rule: fields.rule,
    sealed: fields.sealed,
    segment: fields.segment,
    seq,
    side,
    status: fields.status,
    tokenId: fields.tokenId,
    tool: fields.tool && { key: fields.tool.key, name: fields.tool.name, pid: fields.tool.pid },
    traceId: fields.traceId,
    upstream: fields.upstream,
    user: fields.user,
    userName: fields.userName,
    who: fields.who,
  });
}
