import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { AuditRecord } from './record.ts';

/** A position in the chain. */
export interface Head {
  /** 0 before the first record. */
  readonly seq: number;
  /** Hex SHA-256 of the record at `seq`. */
  readonly hash: string;
}

/** The head of an empty chain. */
export const genesis: Head = { seq: 0, hash: '0'.repeat(64) };

/** A record with the very bytes that its hash covers. */
export interface SealedRecord {
  readonly record: AuditRecord;
  /** Canonical JSON of the record without `hash`. */
  readonly body: string;
}

/**
 * Gives a record its place in the chain.
 *
 * @param content the record's members except `seq`, `prev` and `hash`
 * @param previous the head that it follows
 * @returns the record with the bytes to store
 */
export function seal(
  content: Omit<AuditRecord, 'seq' | 'prev' | 'hash'>,
  previous: Head,
): SealedRecord {
  const unsealed = { ...content, seq: previous.seq + 1, prev: previous.hash };
  const body = canonicalJson(unsealed);
  return { record: { ...unsealed, hash: bodyHash(body) }, body };
}

/**
 * The hash of a record.
 *
 * @param body canonical JSON of all members but `hash`
 * @returns hex SHA-256
 */
export function bodyHash(body: string): string {
  return hash('sha256', body);
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
