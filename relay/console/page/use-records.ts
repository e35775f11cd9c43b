import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { createRecordBook, type RecordBook, type Records } from './record-book.ts';

/**
 * Reads the audit for a list that may have millions of rows.
 *
 * @param query filters of `GET /audit`; empty for all records
 * @returns the rows, and how to read more of them
 */
export function useRecords(query: string): Records & Pick<RecordBook, 'need'> {
  const book = useMemo(() => createRecordBook(query), [query]);
  const view = useSyncExternalStore(book.subscribe, book.view);
  useEffect(() => book.begin(), [book]);
  return { ...view, need: book.need };
}
