import type { Ledger } from '../../audit/ledger.ts';
import type { AuditFields } from '../../audit/record.ts';
import { type Reader, readerFields } from './reader.ts';

/** Records who read what of the audit. */
export interface ReadLog {
  /**
   * Resolves when the read is recorded: only then may it be answered. The same read by the same reader
   * within a minute is counted, and recorded when the minute is over.
   *
   * @param what was read, in a word
   * @param filter by which it was narrowed
   * @throws {AuditError} `audit_unavailable`
   */
  note(reader: Reader, what: string, filter: Readonly<Record<string, unknown>>): Promise<void>;
  /** Records what is still counted. */
  close(): Promise<void>;
}

interface Counted {
  readonly fields: AuditFields;
  readonly timer: NodeJS.Timeout;
  count: number;
}

const MINUTE_MS = 60_000;
/** Beyond this each read has a record of its own. */
const MAX_COUNTED = 1_000;

/**
 * Makes the log of reads.
 *
 * @param ledger where to record
 * @param onError told when what was counted could not be recorded
 * @returns the log
 */
export function createReadLog(
  ledger: Pick<Ledger, 'append'>,
  onError: (error: unknown) => void,
): ReadLog {
  const counted = new Map<string, Counted>();

  async function flush(key: string): Promise<void> {
    const row = counted.get(key);
    counted.delete(key);
    if (row === undefined || row.count === 0) return;
    try {
      await ledger.append('admin-read', { ...row.fields, count: row.count });
    } catch (error) {
      onError(error);
    }
  }

  return {
    async note(reader, what, filter) {
      const detail = JSON.stringify(
        Object.keys(filter).length === 0 ? { read: what } : { read: what, filter },
      );
      const fields = { ...readerFields(reader), detail };
      const key = JSON.stringify(fields);
      const row = counted.get(key);
      if (row !== undefined) {
        row.count += 1;
        return;
      }
      await ledger.append('admin-read', { ...fields, count: 1 });
      if (counted.has(key) || counted.size >= MAX_COUNTED) return;
      const timer = setTimeout(() => void flush(key), MINUTE_MS).unref();
      counted.set(key, { fields, timer, count: 0 });
    },
    async close() {
      for (const { timer } of counted.values()) clearTimeout(timer);
      await Promise.all([...counted.keys()].map(flush));
    },
  };
}
