import type { AuditErrorCode } from '../../audit/errors.ts';
import { newestCheckpoint } from '../../audit/checkpoint.ts';
import { openNames } from '../../audit/people/reveal.ts';
import { type AuditPage, type AuditQuery, cursorBefore, queryLedger } from '../../audit/query.ts';
import { type Verification, verifyLedger } from '../../audit/verify.ts';
import { summarize } from './summary.ts';
import type { Summary } from './summary-shape.ts';

const PSEUDONYM = /^[A-Za-z0-9_-]{22}$/;

/** What can be read of a ledger; runs in a thread of its own. */
export interface LedgerTasks {
  page(query: AuditQuery, before?: number): AuditPage;
  /** What stands for somebody in records. */
  pseudonym(user: string): string;
  summary(sinceMs: number, untilMs: number): Summary;
  checkpoint(): { readonly seq: number; readonly at: string; readonly keyId: string } | undefined;
  verify(): Promise<Verification>;
}

/** The name of a task. */
export type TaskName = keyof LedgerTasks;

/** Travels to the thread. */
export interface TaskOrder {
  readonly id: number;
  readonly name: TaskName;
  readonly args: readonly unknown[];
}

/** Travels back. */
export type TaskAnswer =
  | { readonly id: number; readonly kind: 'done'; readonly value: unknown }
  | {
      readonly id: number;
      readonly kind: 'failed';
      readonly code: AuditErrorCode;
      readonly message: string;
    };

/**
 * Makes the tasks.
 *
 * @param dir the ledger's directory
 * @returns the tasks
 */
export function createLedgerTasks(dir: string): LedgerTasks {
  return {
    page: (query, before) =>
      queryLedger(dir, before === undefined ? query : { ...query, cursor: cursorBefore(before) }),
    pseudonym(user) {
      if (PSEUDONYM.test(user)) return user;
      const names = openNames(dir);
      try {
        const [first = user] = names.pseudonymsOf(user);
        return first === user ? 'unknown' : first;
      } finally {
        names.close();
      }
    },
    summary: (sinceMs, untilMs) =>
      summarize((query) => queryLedger(dir, query), { sinceMs, untilMs }),
    checkpoint: () => newestCheckpoint(dir),
    verify: () => verifyLedger(dir),
  };
}
