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

/** What must be known of a sink after a restart, too. */
export interface Progress extends Position {
  /** Records up to there that the sink refused for good, since it took one. */
  readonly refusedInARow: number;
  /** When the sink last took records, epoch ms; undefined: never. */
  readonly lastSuccessMs: number | undefined;
}

/** Keeps a sink's progress through crashes. */
export interface Cursor {
  /** @throws {Error} the file is there and is not a cursor */
  read(): Promise<Progress | undefined>;
  write(progress: Progress): Promise<void>;
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
    async write(progress) {
      makeDirectory(dir, false);
      await replaceFile(file, `${format(progress)}\n`);
    },
  };
}

function format({ seq, hash, refusedInARow, lastSuccessMs }: Progress): string {
  return JSON.stringify({
    v: 1,
    seq,
    hash,
    ...(refusedInARow === 0 ? {} : { refusedInARow }),
    ...(lastSuccessMs === undefined ? {} : { lastSuccess: new Date(lastSuccessMs).toISOString() }),
  });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function timeOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Files of older versions have only what the position needs. */
function parse(text: string, file: string): Progress {
  try {
    const { v, seq, hash, refusedInARow, lastSuccess } = JSON.parse(text) as Record<
      string,
      unknown
    >;
    if (v === 1 && isCount(seq) && typeof hash === 'string')
      return {
        seq,
        hash,
        refusedInARow: isCount(refusedInARow) ? refusedInARow : 0,
        lastSuccessMs: timeOf(lastSuccess),
      };
  } catch {
    // Not JSON: the same answer as for other JSON.
  }
  // Beginning anew would send everything twice, and going on would leave something out: neither unasked.
  throw new Error(`${file} is not a cursor; delete it to ship from where \`from\` says`);
}
