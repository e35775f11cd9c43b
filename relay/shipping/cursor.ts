import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../audit/directory.ts';
import { replaceFile, shippingDir } from './directory.ts';

/** Up to where a sink has everything. */
export interface Position {
  /** 0: nothing yet. */
  readonly seq: number;
  /** Of the record there, so that another ledger in its place is noticed; empty for 0. */
  readonly hash: string;
}

/** Keeps a position through crashes. */
export interface Cursor {
  /** @throws {Error} the file is there and is not a cursor */
  read(): Promise<Position | undefined>;
  write(position: Position): Promise<void>;
}

/**
 * Opens a sink's cursor.
 *
 * @param auditDir the ledger's directory
 * @param sink its name
 * @returns the cursor
 */
export function createCursor(auditDir: string, sink: string): Cursor {
  const dir = shippingDir(auditDir);
  const file = join(dir, `${sink}.cursor.json`);
  return {
    async read() {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : parse(text, file);
    },
    async write({ seq, hash }) {
      makeDirectory(dir, false);
      await replaceFile(file, `${JSON.stringify({ v: 1, seq, hash })}\n`);
    },
  };
}

function parse(text: string, file: string): Position {
  try {
    const { v, seq, hash } = JSON.parse(text) as Record<string, unknown>;
    if (v === 1 && Number.isSafeInteger(seq) && Number(seq) >= 0 && typeof hash === 'string')
      return { seq: Number(seq), hash };
  } catch {
    // Not JSON: the same answer as for other JSON.
  }
  // Beginning anew would send everything twice, and going on would leave something out: neither unasked.
  throw new Error(`${file} is not a cursor; delete it to ship from where \`from\` says`);
}
