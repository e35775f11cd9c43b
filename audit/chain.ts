import { hash } from 'node:crypto';
import { serialize, type Content, type Place } from './serialize.ts';

/** A position in the chain. */
export interface Head {
  /** 0 before the first record. */
  readonly seq: number;
  /** Hex SHA-256 of the record at `seq`. */
  readonly hash: string;
}

/** The head of an empty chain. */
export const genesis: Head = { seq: 0, hash: '0'.repeat(64) };

/** A record with its place in the chain, and the very bytes that its hash covers. */
export interface SealedRecord extends Place {
  readonly content: Content;
  /** Hex SHA-256 of `body`. */
  readonly hash: string;
  /** Canonical JSON of the record without `hash`. */
  readonly body: string;
}

/**
 * Gives a record its place in the chain.
 *
 * @param content the record
 * @param previous the head that it follows
 * @returns the record with the bytes to store
 */
export function seal(content: Content, previous: Head): SealedRecord {
  const place = { seq: previous.seq + 1, prev: previous.hash };
  const body = serialize(content, place);
  return { ...place, content, hash: bodyHash(body), body };
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
