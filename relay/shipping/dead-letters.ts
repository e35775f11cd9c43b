import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../audit/directory.ts';
import { appendWhole, shippingDir } from './directory.ts';
import type { Item } from './sink.ts';

/** Keeps what a sink refuses for good. */
export interface DeadLetters {
  /** Appends a record with the reason; resolves when it is on the disk. */
  add(item: Item, problem: string): Promise<void>;
}

/**
 * Opens a sink's dead letters: one JSON object a line, readable by the owner only.
 *
 * @param auditDir the ledger's directory
 * @param sink its name
 * @param now the clock, epoch ms
 * @returns the file's writer; the file is made with the first letter
 */
export function createDeadLetters(auditDir: string, sink: string, now: () => number): DeadLetters {
  const dir = shippingDir(auditDir);
  return {
    async add({ record }, problem) {
      makeDirectory(dir, false);
      const handle = await open(join(dir, `${sink}.dead.jsonl`), 'a', 0o600);
      try {
        const line = { at: new Date(now()).toISOString(), problem, seq: record.seq, record };
        await appendWhole(handle, `${JSON.stringify(line)}\n`);
      } finally {
        await handle.close();
      }
    },
  };
}
