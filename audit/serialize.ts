import { canonicalJson } from './canonical-json.ts';
import type { AuditFields, AuditKind, AuditRecord, AuditSide } from './record.ts';

/** A record before it has its place in the chain. */
export interface Content {
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly kind: AuditKind;
  readonly side: AuditSide;
  /** As `recordable` gave them: of known names and types, texts well-formed. */
  readonly fields: AuditFields;
}

/** Where a record stands. */
export interface Place {
  readonly seq: number;
  readonly prev: string;
}

// RFC 8785 §3.2.2.2 escapes nothing in these; all else is left to JSON.stringify, which agrees with it.
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function text(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  return PLAIN.test(value) ? `,"${name}":"${value}"` : `,"${name}":${JSON.stringify(value)}`;
}

function number(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}

/**
 * Writes a record as canonical JSON, without its hash: its members in order of their names, one
 * after the other, since sorting them for each record would cost more than all the rest.
 *
 * @param content the record
 * @param place where it stands
 * @returns what `canonicalJson` would write
 * @see RFC 8785
 */
export function serialize({ fields, at, id, kind, side }: Content, { seq, prev }: Place): string {
  const { tool } = fields;
  const members =
    text('acr', fields.acr) +
    text('api', fields.api) +
    text('at', at) +
    number('authTime', fields.authTime) +
    text('binding', fields.binding) +
    number('bytesIn', fields.bytesIn) +
    number('bytesOut', fields.bytesOut) +
    text('clientId', fields.clientId) +
    text('closedBy', fields.closedBy) +
    text('code', fields.code) +
    text('configHash', fields.configHash) +
    number('count', fields.count) +
    text('decision', fields.decision) +
    text('detail', fields.detail) +
    number('durationMs', fields.durationMs) +
    text('id', id) +
    text('ip', fields.ip) +
    text('issuer', fields.issuer) +
    text('kind', kind) +
    text('method', fields.method) +
    text('path', fields.path) +
    text('prev', prev) +
    text('requestId', fields.requestId) +
    text('rule', fields.rule) +
    number('seq', seq) +
    text('side', side) +
    number('status', fields.status) +
    text('tokenId', fields.tokenId) +
    (tool === undefined ? '' : `,"tool":${canonicalJson(tool)}`) +
    text('traceId', fields.traceId) +
    text('upstream', fields.upstream) +
    text('user', fields.user) +
    text('userName', fields.userName);
  return `{${members.slice(1)}}`;
}

/**
 * A sealed record as one object.
 *
 * @param content the record
 * @param place where it stands
 * @param hash of its canonical JSON
 * @returns the record as it is exported
 */
export function recordOf(
  { fields, at, id, kind, side }: Content,
  { seq, prev }: Place,
  hash: string,
): AuditRecord {
  return { ...fields, id, at, kind, side, seq, prev, hash };
}
