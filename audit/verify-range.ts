import type Database from 'better-sqlite3';
import { setImmediate } from 'node:timers/promises';
import type { Head } from './chain.ts';
import { openReader } from './reader.ts';
import { type Statement, statementOf, stubFaults } from './retention/verify-stubs.ts';
import { type SegmentFile, STUB_KIND } from './segment.ts';
import { createPeopleRows, type PeopleRows } from './verify-people-rows.ts';
import { type Fault, recordFaults, type StoredRow } from './verify-record.ts';

/** Neighbouring records of one segment. */
export interface Range {
  readonly file: SegmentFile;
  readonly format: number;
  /** The record before, as it is stored; `at` is the newest before that is no `gap`'s. */
  readonly previous: Head & { readonly at?: string | undefined };
  /** Only records after this one. */
  readonly after: number;
  /** The last record, inclusive. */
  readonly to: number;
}

/** What a range was found to be. */
export interface RangeResult {
  readonly records: number;
  /** How many rows stand for records that have expired. */
  readonly stubs: number;
  /** The `expire` records among them. */
  readonly statements: readonly Statement[];
  /** What they say of people. */
  readonly people: PeopleRows;
  /** At most {@link MAX_TOLD}, in the order of the chain. */
  readonly faults: readonly Fault[];
  /** What is worth knowing and no fault: the clock was set back. As many at most. */
  readonly notices: readonly Fault[];
}

/** How many faults, or notices, are told. */
export const MAX_TOLD = 1000;

const pageRecords = 2000;
/** Records of one moment are written in the order in which they were queued, not timed. */
const orderMs = 2000;

/**
 * Checks the records of a range. Gives way to whatever else waits after each page.
 *
 * @param range which
 * @returns what was found
 */
export async function verifyRange(range: Range): Promise<RangeResult> {
  const { file, format, to } = range;
  const findings = createFindings(file.name);
  let db: Database.Database | undefined;
  try {
    db = openReader(file);
    const page = db?.prepare<[number, number, number], StoredRow>(
      `SELECT seq, at, kind, request_id AS requestId, user, api, decision, code, body, hash
       FROM records WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
    );
    let { previous } = range;
    for (let { after } = range; ; after = previous.seq) {
      const rows = page?.all(after, to, pageRecords) ?? [];
      if (rows.length === 0) break;
      for (const row of rows) {
        findings.take(row, previous, format);
        // Earlier versions wrote what had waited behind the `gap`: it is older by right.
        const at = row.kind === 'gap' ? previous.at : row.at;
        // Going on from what the row claims, one altered record is one fault and not thousands.
        previous = { seq: row.seq, hash: row.hash, at };
      }
      await setImmediate();
    }
  } catch (error) {
    findings.unreadable(error);
  } finally {
    db?.close();
  }
  return findings.result();
}

function createFindings(segment: string) {
  const faults: Fault[] = [];
  const notices: Fault[] = [];
  const statements: Statement[] = [];
  const people = createPeopleRows();
  let records = 0;
  let stubs = 0;
  const tell = (list: Fault[], seq: number, what: string): void => {
    if (list.length < MAX_TOLD) list.push({ seq, segment, what });
  };
  return {
    take(row: StoredRow, previous: Range['previous'], format: number): void {
      const isStub = row.kind === STUB_KIND;
      if (isStub) stubs += 1;
      else records += 1;
      const statement = statementOf(row);
      if (statement) statements.push(statement);
      if (!isStub) people.take(row);
      const found = isStub ? stubFaults(row, previous) : recordFaults(row, previous, format);
      for (const what of found) tell(faults, row.seq, what);
      const step = stepBack(previous.at, row.at);
      if (step !== undefined) tell(notices, row.seq, step);
    },
    unreadable(error: unknown): void {
      faults.push({ segment, what: `can't be read: ${message(error)}` });
    },
    result: (): RangeResult => ({
      records,
      stubs,
      statements,
      people: people.rows(),
      faults,
      notices,
    }),
  };
}

function stepBack(before: string | undefined, at: string): string | undefined {
  // Both are of one form, so that they compare as texts.
  if (before === undefined || at >= before) return undefined;
  const ms = Date.parse(before) - Date.parse(at);
  return ms > orderMs ? `the clock was set back by ${Math.round(ms / 1000)} s` : undefined;
}

/**
 * What went wrong, for people.
 *
 * @param error whatever was thrown
 * @returns its message
 */
export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
