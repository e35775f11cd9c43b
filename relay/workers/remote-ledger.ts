import { AuditError } from '../../audit/errors.ts';
import type { Ledger, OpenRecord } from '../../audit/ledger.ts';
import type { AuditFields } from '../../audit/record.ts';
import type { Calls } from './calls.ts';
import type { PrimaryProcedures } from './procedures.ts';

/** What of a ledger serves requests. */
export type ServingLedger = Pick<Ledger, 'admit' | 'note' | 'append' | 'health'> & {
  close(): void;
};

/** A request whose record was asked for. */
interface Asked {
  readonly sinceMs: number;
  readonly reject: (error: AuditError) => void;
  /** Answered already, one way or the other. */
  done: boolean;
}

const LATE: AuditFields = {
  status: 503,
  code: 'audit_unavailable',
  bytesOut: 0,
  closedBy: 'error',
};

/**
 * Makes the ledger of a worker: the records are committed by the primary, which keeps the one chain,
 * and a request goes on when the primary says that its record is there.
 *
 * @param primary writes the records
 * @param options how many may wait and for how long, ms; the clock
 * @returns the ledger
 */
export function createRemoteLedger(
  primary: Pick<Calls<PrimaryProcedures>, 'call' | 'tell'>,
  options: {
    readonly now: () => number;
    readonly limit?: number;
    readonly patienceMs?: number;
  },
): ServingLedger {
  const { now, limit = 10_000, patienceMs = 10_000 } = options;
  /** In the order of asking. */
  const waiting = new Set<Asked>();
  let last = 0;

  function refuseLate(): void {
    const before = now() - patienceMs;
    for (const asked of waiting) {
      if (asked.sinceMs > before) return;
      waiting.delete(asked);
      asked.done = true;
      asked.reject(
        new AuditError('audit_unavailable', `no record was committed in ${patienceMs} ms`),
      );
    }
  }

  // Ended once: the primary forgets the number then.
  const opened = (number: number, requestId: string): OpenRecord => ({
    requestId,
    finish: (outcome) => primary.tell('finish', number, outcome),
    interrupt: () => primary.tell('interrupt', number),
  });

  const timer = setInterval(refuseLate, 1_000);
  timer.unref();
  return {
    admit(fields) {
      if (waiting.size >= limit)
        return Promise.reject(
          new AuditError('audit_unavailable', `${limit} records wait to be written to the audit`),
        );
      last += 1;
      const number = last;
      return new Promise((resolve, reject) => {
        const asked: Asked = { sinceMs: now(), reject, done: false };
        waiting.add(asked);
        primary.call('admit', number, fields).then(
          (other) => {
            waiting.delete(asked);
            // Refused meanwhile: the record that came too late says so.
            if (asked.done) primary.tell('finish', number, LATE);
            else resolve(opened(number, other ?? fields.requestId));
          },
          (error: unknown) => {
            waiting.delete(asked);
            reject(error);
          },
        );
      });
    },
    note(fields) {
      last += 1;
      primary.tell('note', last, fields);
      return opened(last, fields.requestId);
    },
    append: (kind, fields) => primary.call('append', kind, fields),
    health() {
      const [oldest] = waiting;
      const lagMs = oldest === undefined ? 0 : Math.max(0, now() - oldest.sinceMs);
      return { ok: true, head: 0, lagMs };
    },
    close: () => clearInterval(timer),
  };
}
