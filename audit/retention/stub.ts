import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import type { Limit } from './policy.ts';

/** What stands in a segment for records that have expired. */
export interface Stub {
  /** First and last record that it stands for. */
  readonly first: number;
  readonly seq: number;
  /** Hash of the record before the first. */
  readonly prev: string;
  /** Hash of the last. */
  readonly hash: string;
  /** No record that it stands for was written later; RFC 3339. */
  readonly at: string;
  /** What they had outlived. */
  readonly limit: Limit;
}

/** What the row of a stub holds beside its columns. */
export interface StubBody extends Limit {
  readonly batch: string;
  readonly first: number;
  readonly prev: string;
}

/** Adds up stubs for an `expire` record. */
export interface StubDigest {
  add(stub: Stub): void;
  /** Hex SHA-256. */
  finish(): string;
}

/**
 * Makes a digest over stubs in the order of the chain, so that none can be added, taken away or changed.
 *
 * @returns a digest over none
 */
export function createStubDigest(): StubDigest {
  const hash = createHash('sha256').update('latchkey-audit-stubs-v1\n');
  return {
    add({ first, seq, prev, hash: last, at, limit }) {
      hash.update(`${canonicalJson({ ...limit, at, first, hash: last, prev, seq })}\n`);
    },
    finish: () => hash.digest('hex'),
  };
}

/**
 * Reads what a stub's row holds.
 *
 * @param body the row's text
 * @returns the body; `undefined` when it is none
 */
export function parseStub(body: string): StubBody | undefined {
  try {
    const { batch, first, prev, until, retentionMs } = JSON.parse(body) as Partial<StubBody>;
    const isWhole =
      [batch, prev, until].every((it) => typeof it === 'string') &&
      [first, retentionMs].every((it) => Number.isSafeInteger(it));
    return isWhole ? ({ batch, first, prev, until, retentionMs } as StubBody) : undefined;
  } catch {
    return undefined;
  }
}
