import type Database from 'better-sqlite3';
import type { RowFilter } from '../reader.ts';
import { timestamp } from '../time-bounds.ts';
import { readIndex, requestKey, type TERMS } from './index-file.ts';

/** Neighbouring records among which some may fit a filter. */
export interface Span {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  /** The only ones that may fit, newest first; absent: any. */
  readonly seqs?: readonly number[];
}

/** Narrows a search to where there may be something. */
export interface Finder {
  /**
   * @param segment a segment's number
   * @returns where to look in it, newest first
   */
  spansOf(segment: number): Iterable<Span>;
  close(): void;
}

interface Chunk {
  readonly first: number;
  readonly last: number;
  readonly earliest: string;
  readonly latest: string;
}

interface Term {
  readonly name: (typeof TERMS)[number];
  readonly values: readonly string[];
}

const everything: Span = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };

/**
 * Prepares a search. What the index knows nothing of is looked through as it is.
 *
 * @param dir the ledger's directory
 * @param filter what is looked for
 * @returns the finder; close it
 * @throws {AuditError} `audit_query` for a time that can't be read
 */
export function createFinder(dir: string, filter: RowFilter): Finder {
  const narrowing = narrowingOf(filter);
  const index = narrowing && readIndex(dir);
  if (!index) return scan;
  try {
    return finderIn(index, narrowing);
  } catch {
    // Laid out by nobody of ours.
    index.close();
    return scan;
  }
}

const scan: Finder = { spansOf: () => [everything], close: () => {} };

function finderIn(index: Database.Database, narrowing: Narrowing): Finder {
  const chunks = index.prepare<[number], Chunk>(
    'SELECT first, last, earliest, latest FROM chunks WHERE segment = ? ORDER BY first DESC',
  );
  const isComplete = index.prepare<[number]>('SELECT 1 FROM complete WHERE segment = ?').pluck();
  const candidates = candidatesIn(index, narrowing);
  return {
    *spansOf(segment) {
      try {
        const known = chunks.all(segment);
        if (isComplete.get(segment) === undefined) {
          yield { ...everything, from: known[0] ? known[0].last + 1 : everything.from };
        }
        for (const chunk of known) {
          const span = candidates(chunk);
          if (span) yield span;
        }
      } catch {
        // Damaged, or being written for long: the segment itself has it all.
        yield everything;
      }
    },
    close: () => index.close(),
  };
}

interface Narrowing {
  readonly terms: readonly Term[];
  readonly requestId: string | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

/** `undefined` when everything fits, and the newest records are the answer. */
function narrowingOf(filter: RowFilter): Narrowing | undefined {
  const since = filter.since && timestamp('since', filter.since);
  const until = filter.until && timestamp('until', filter.until);
  const { api, decision, code, kinds, requestId, user } = filter;
  const people = filter.people ?? (user === undefined ? undefined : [user]);
  const all: readonly (readonly [Term['name'], readonly string[] | undefined])[] = [
    ['user', people],
    ['code', code === undefined ? undefined : [code]],
    ['api', api === undefined ? undefined : [api]],
    ['decision', decision === undefined ? undefined : [decision]],
    ['kind', kinds],
  ];
  const terms = all.flatMap(([name, values]) => (values ? [{ name, values }] : []));
  const isNarrow = terms.length > 0 || [requestId, since, until].some((it) => it !== undefined);
  return isNarrow ? { terms, requestId, since, until } : undefined;
}

function candidatesIn(index: Database.Database, narrowing: Narrowing) {
  const { terms, requestId, since, until } = narrowing;
  const posting = index
    .prepare<[string, string, number]>(
      'SELECT places FROM postings WHERE term = ? AND value = ? AND chunk = ?',
    )
    .pluck();
  const ofRequest =
    requestId === undefined
      ? undefined
      : (index
          .prepare<[number]>('SELECT seq FROM requests WHERE id = ? ORDER BY seq DESC')
          .pluck()
          .all(requestKey(requestId)) as readonly number[]);

  function placesOf({ name, values }: Term, chunk: number): Uint16Array {
    const lists = values.flatMap((value) => {
      const places = posting.get(name, value, chunk) as Buffer | undefined;
      return places ? [new Uint16Array(Uint8Array.from(places).buffer)] : [];
    });
    if (lists.length === 1) return lists[0] ?? new Uint16Array();
    return Uint16Array.from(lists.flatMap((list) => [...list])).sort();
  }

  function withTerms(chunk: number): Uint16Array | undefined {
    let found: Uint16Array | undefined;
    for (const term of terms) {
      const places = placesOf(term, chunk);
      found = found ? inBoth(found, places) : places;
      if (found.length === 0) return found;
    }
    return found;
  }

  return ({ first, last, earliest, latest }: Chunk): Span | undefined => {
    if ((since !== undefined && latest < since) || (until !== undefined && earliest >= until)) {
      return undefined;
    }
    const whole = { from: first, to: last };
    if (ofRequest) {
      const seqs = ofRequest.filter((seq) => seq >= first && seq <= last);
      return seqs.length === 0 ? undefined : { ...whole, seqs };
    }
    const places = withTerms(first);
    if (!places) return whole;
    if (places.length === 0) return undefined;
    return { ...whole, seqs: Array.from(places, (place) => first + place).toReversed() };
  };
}

/** Both in ascending order. */
function inBoth(a: Uint16Array, b: Uint16Array): Uint16Array {
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const difference = (a[i] ?? 0) - (b[j] ?? 0);
    if (difference === 0) both.push(a[i] ?? 0);
    if (difference <= 0) i += 1;
    if (difference >= 0) j += 1;
  }
  return Uint16Array.from(both);
}
