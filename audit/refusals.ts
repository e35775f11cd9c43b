import type { OpenRecord } from './ledger.ts';
import type { AuditFields } from './record.ts';

/** Records requests refused before anybody was recognised, without letting a flood fill the disk. */
export interface Refusals {
  record(fields: AuditFields & { readonly requestId: string }, outcome: AuditFields): void;
  /** Writes what is still counted; resolves when all is written. */
  close(): Promise<void>;
}

interface Counted {
  readonly fields: AuditFields & { readonly requestId: string };
  readonly outcome: AuditFields;
  count: number;
}

/** How many sources are told apart in one second; the rest share one record a code. */
const MAX_KEYS = 1_000;

/**
 * Writes the first refusal of a source and code at once and counts its repeats into one record a
 * second.
 *
 * @param ledger where to write
 * @param onError told when a record could not be written
 * @returns the recorder
 */
export function createRefusals(
  ledger: {
    admit(fields: AuditFields & { readonly requestId: string }): Promise<OpenRecord>;
  },
  onError: (error: unknown) => void,
): Refusals {
  const counted = new Map<string, Counted>();
  const underWay = new Set<Promise<void>>();
  const admitAndFinish = async (fields: Counted['fields'], outcome: AuditFields): Promise<void> => {
    try {
      (await ledger.admit(fields)).finish(outcome);
    } catch (error) {
      onError(error);
    }
  };
  const write = (fields: Counted['fields'], outcome: AuditFields): Promise<void> => {
    const written = admitAndFinish(fields, outcome).finally(() => underWay.delete(written));
    underWay.add(written);
    return written;
  };
  const flush = async (): Promise<void> => {
    const rows = [...counted];
    counted.clear();
    for (const [key, row] of rows) {
      if (row.count === 0) continue;
      // The key stays for another second: a steady flood gives one record each second.
      counted.set(key, { ...row, count: 0 });
      await write({ ...row.fields, count: row.count }, row.outcome);
    }
  };
  const timer = setInterval(() => void flush(), 1000);
  timer.unref();
  return {
    record(given, outcome) {
      const own = `${given.ip} ${given.code}`;
      const isCounted = counted.has(own) || counted.size < MAX_KEYS;
      const key = isCounted ? own : `others ${given.code}`;
      // Of many sources none is the one: whoever came first would answer for all of them.
      const { ip: _first, ...nameless } = given;
      const fields = isCounted ? given : nameless;
      const row = counted.get(key);
      if (row === undefined) {
        counted.set(key, { fields, outcome, count: 0 });
        void write({ ...fields, count: 1 }, outcome);
      } else {
        // The first of the ones not yet written names the record.
        counted.set(
          key,
          row.count === 0 ? { fields, outcome, count: 1 } : { ...row, count: row.count + 1 },
        );
      }
    },
    async close() {
      clearInterval(timer);
      await flush();
      await Promise.all(underWay);
    },
  };
}
