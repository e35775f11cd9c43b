import { condition, openReader, type RowFilter, segmentsToRead } from '../reader.ts';

/**
 * Counts the records of a ledger.
 *
 * @param dir the ledger's directory
 * @param filter which
 * @param enough where to stop; default: nowhere
 * @returns how many there are; once that is `enough`, perhaps fewer
 */
export function countRecords(dir: string, filter: RowFilter, enough = Infinity): number {
  const { sql, values } = condition(filter);
  let found = 0;
  for (const file of segmentsToRead(dir)) {
    if (found >= enough) break;
    const db = openReader(file);
    if (!db) continue;
    try {
      found += db
        .prepare(`SELECT count(*) FROM records WHERE ${sql}`)
        .pluck()
        .get(...values) as number;
    } finally {
      db.close();
    }
  }
  return found;
}
