import { hash } from 'node:crypto';
import type { AuditRecord } from './record.ts';
import { serialize, type Content, type Place } from './serialize.ts';

/** A position in the chain. */
export interface Head {
  /** 0 before the first record. */
  readonly seq: number;
  /** Hex SHA-256 of the record at `seq`. */
  readonly hash: string;
  /** Digest of the segment that the next record begins, which that record will hold. */
  readonly nextSegment?: string;
}

/** The head of an empty chain. */
export const genesis: Head = { seq: 0, hash: '0'.repeat(64) };

/** A record with its place in the chain, and the very bytes that its hash covers. */
export interface SealedRecord extends Place {
  readonly content: Content;
  /** Hex SHA-256 of `body` behind {@link RECORD_DOMAIN}. */
  readonly hash: string;
  /** Canonical JSON of the record without `hash`. */
  readonly body: string;
}

/**
 * Gives a record its place in the chain.
 *
 * @param given the record
 * @param previous the head that it follows
 * @returns the record with the bytes to store
 */
export function seal(given: Content, previous: Head): SealedRecord {
  const content = previous.nextSegment === undefined ? given : first(given, previous.nextSegment);
  const seq = previous.seq + 1;
  const prev = previous.hash;
  // One text, of which the body is a part: laid side by side only to be hashed, it would be copied.
  const hashed = RECORD_DOMAIN + serialize(content, { seq, prev });
  return { seq, prev, content, hash: hash('sha256', hashed), body: hashed.slice(DOMAIN_LENGTH) };
}

function first(content: Content, segment: string): Content {
  return { ...content, fields: { ...content.fields, segment } };
}

/**
 * A record as it was just sealed, without reading its body again.
 *
 * @param sealed the record
 * @returns the record; whom it names is still sealed, see `openNames`
 */
export function recordOf({ content, seq, prev, hash }: SealedRecord): AuditRecord {
  const { fields, id, at, kind, side } = content;
  return { ...fields, seq, id, at, kind, side, prev, hash };
}

/** What the hash of a record begins with, so that no other signed or hashed text can pass for one. */
const RECORD_DOMAIN = 'latchkey-audit-record-v2\n';
const DOMAIN_LENGTH = RECORD_DOMAIN.length;

/**
 * The hash of a record.
 *
 * @param body canonical JSON of all members but `hash`
 * @param format of the segment that holds it: the first one's hashes had no domain
 * @returns hex SHA-256
 */
export function bodyHash(body: string, format = 2): string {
  return hash('sha256', format === 1 ? body : RECORD_DOMAIN + body);
}

/**
 * The record as one line of JSON, its hash as the last member.
 *
 * @param body canonical JSON of all members but `hash`
 * @param recordHash hex SHA-256
 * @returns JSON without a line end
 */
export function exportLine(body: string, recordHash: string): string {
  return `${body.slice(0, -1)},"hash":"${recordHash}"}`;
}
