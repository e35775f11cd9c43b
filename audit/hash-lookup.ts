import type Database from 'better-sqlite3';
import { openReader } from './reader.ts';
import { readInfo, type SegmentFile } from './segment.ts';

/** Finds the stored hash of single records; best asked in ascending order. */
export interface HashLookup {
  hashAt(seq: number): string | undefined;
  close(): void;
}

/**
 * Opens a look-up over a ledger's segments, one file open at a time.
 *
 * @param files the segments, oldest first
 * @returns the look-up; close it
 */
export function createHashLookup(files: readonly SegmentFile[]): HashLookup {
  const starts = files.map((file) => ({ file, firstSeq: firstSeqOf(file) }));
  let current: { readonly file: SegmentFile; readonly db: Database.Database } | undefined;

  function open(file: SegmentFile): Database.Database | undefined {
    if (current?.file === file) return current.db;
    current?.db.close();
    current = undefined;
    const db = openReader(file);
    if (db) current = { file, db };
    return db;
  }

  return {
    hashAt(seq) {
      const start = starts.findLast(({ firstSeq }) => firstSeq !== undefined && firstSeq <= seq);
      try {
        return (
          start &&
          open(start.file)
            ?.prepare<[number], { hash: string }>('SELECT hash FROM records WHERE seq = ?')
            .get(seq)?.hash
        );
      } catch {
        // A damaged file, which was reported when its records were checked.
        return undefined;
      }
    },
    close() {
      current?.db.close();
    },
  };
}

/** `undefined` for a file that can't be read, which was reported when its records were checked. */
function firstSeqOf(file: SegmentFile): number | undefined {
  let db: Database.Database | undefined;
  try {
    db = openReader(file);
    return db && readInfo(db).firstSeq;
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}
