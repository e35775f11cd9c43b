import type { AuditRecord, RecordsView } from '../data.ts';
import { ask, SignedOut, signInAgain } from './use-data.ts';

/** A list of records that is read where it is looked at, as it is now. */
export interface Records {
  /** Rows of the list; of a search, those found so far. */
  readonly count: number;
  /** Whether there is more than is counted. */
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly problem?: string;
  /** `undefined` while it is read, `gone` where a record has expired. */
  readonly at: (index: number) => AuditRecord | 'gone' | undefined;
}

/** Reads records for a list that may have millions of rows. */
export interface RecordBook {
  view(): Records;
  subscribe(listener: () => void): () => void;
  /** Reads the first page. */
  begin(): void;
  /** Reads what these rows need. */
  need(first: number, last: number): void;
}

const PAGE = 200;
/** Pages kept: some 10,000 records. */
const MOST_PAGES = 50;
/** Who drags the scroll bar looks at what is there when it rests. */
const REST_MS = 60;
const EMPTY: Records = { count: 0, hasMore: false, isLoading: true, at: () => undefined };

/** Asks for each page once at a time, and tells of what went wrong. */
function createAsker(failed: (problem: string) => void) {
  const asked = new Set<string>();
  return (address: string, keep: (page: RecordsView) => void): void => {
    if (asked.has(address)) return;
    asked.add(address);
    ask<RecordsView>(address)
      .then(keep, (error: unknown) => {
        if (error instanceof SignedOut) signInAgain();
        failed((error as Error).message);
      })
      .finally(() => asked.delete(address));
  };
}

/** What readers of both kinds have in common. */
function createView() {
  const listeners = new Set<() => void>();
  let view = EMPTY;
  return {
    view: () => view,
    show(next: Records): void {
      view = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Without a filter, numbers tell where a record is: any place of the list can be read by itself. */
function createWholeBook(): RecordBook {
  const { view, show, subscribe } = createView();
  const pages = new Map<number, readonly AuditRecord[]>();
  let head = 0;
  let rest: ReturnType<typeof setTimeout> | undefined;
  const read = createAsker((problem) => show({ ...view(), isLoading: false, problem }));

  function at(index: number): AuditRecord | 'gone' | undefined {
    const page = pages.get(Math.floor(index / PAGE));
    if (page === undefined) return undefined;
    const seq = head - index;
    const guess = page[index % PAGE];
    return (guess?.seq === seq ? guess : page.find((record) => record.seq === seq)) ?? 'gone';
  }

  function keep(page: number, records: readonly AuditRecord[]): void {
    const lowest = head - (page + 1) * PAGE;
    pages.delete(page);
    pages.set(
      page,
      records.filter(({ seq }) => seq > lowest),
    );
    const [oldest] = pages.keys();
    if (pages.size > MOST_PAGES && oldest !== undefined) pages.delete(oldest);
    // A function of its own each time: what is drawn depends on what it finds.
    show({ count: head, hasMore: false, isLoading: false, at: (index) => at(index) });
  }

  function load(first: number, last: number): void {
    const to = Math.floor(Math.max(0, last - 1) / PAGE);
    for (let page = Math.floor(first / PAGE); page <= to; page += 1) {
      if (pages.has(page) || page * PAGE >= head) continue;
      const address = `/audit?limit=${PAGE}&before=${head - page * PAGE + 1}`;
      read(address, ({ records }) => keep(page, records));
    }
  }

  return {
    view,
    subscribe,
    begin: () =>
      read(`/audit?limit=${PAGE}`, ({ records }) => {
        head = records[0]?.seq ?? 0;
        pages.clear();
        keep(0, records);
      }),
    need(first, last) {
      clearTimeout(rest);
      rest = setTimeout(() => load(first, last), REST_MS);
    },
  };
}

/** Of a search, one page leads to the next. */
function createSearchBook(query: string): RecordBook {
  const { view, show, subscribe } = createView();
  let found: readonly AuditRecord[] = [];
  let next: string | undefined;
  const read = createAsker((problem) => show({ ...view(), isLoading: false, problem }));

  function keep({ records, nextCursor }: RecordsView): void {
    found = [...found, ...records];
    next = nextCursor;
    const list = found;
    show({
      count: list.length,
      hasMore: next !== undefined,
      isLoading: false,
      at: (index) => list[index],
    });
  }

  return {
    view,
    subscribe,
    begin: () =>
      read(`/audit?limit=${PAGE}&${query}`, (page) => {
        found = [];
        keep(page);
      }),
    need(_first, last) {
      if (next === undefined || last < found.length - PAGE / 2) return;
      read(`/audit?limit=${PAGE}&cursor=${next}&${query}`, keep);
    },
  };
}

/**
 * Makes a reader of the audit for a list.
 *
 * @param query filters of `GET /audit`; empty for all records
 * @returns the reader; nothing is read yet
 */
export function createRecordBook(query: string): RecordBook {
  return query === '' ? createWholeBook() : createSearchBook(query);
}
