import type { ActivityRecord } from './activity-record.ts';
import { eventWords } from './event-words.ts';

/** One line of the Activity table: a request with its outcome, or another event. */
export interface ActivityRow extends ActivityRecord {
  readonly key: string;
  /** Whether the answer is still under way. */
  readonly open: boolean;
}

/** What the person narrows the table to. */
export interface ActivityFilter {
  readonly text: string;
  /** An API's name; empty for all. */
  readonly api: string;
  readonly deniedOnly: boolean;
}

const mostRecords = 2000;

/**
 * Adds records to those at hand, without doubles.
 *
 * @param known newest first
 * @param more in any order
 * @returns newest first, at most 2000
 */
export function mergeRecords(
  known: readonly ActivityRecord[],
  more: readonly ActivityRecord[],
): readonly ActivityRecord[] {
  const bySeq = new Map([...known, ...more].map((record) => [record.seq, record]));
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq).slice(0, mostRecords);
}

/**
 * Joins each request with its outcome by request id.
 *
 * @param records newest first
 * @returns the lines, newest request first
 */
export function activityRows(records: readonly ActivityRecord[]): readonly ActivityRow[] {
  const outcomes = new Map<string, ActivityRecord>();
  const rows: ActivityRow[] = [];
  for (const record of records) {
    if (record.requestId !== undefined && isEnd(record)) {
      outcomes.set(record.requestId, record);
    } else if (record.kind === 'request' && record.requestId !== undefined) {
      rows.push(joined(record, outcomes.get(record.requestId)));
    } else if (record.kind !== 'request') {
      rows.push({ ...record, key: String(record.seq), open: false });
    }
  }
  return rows;
}

const isEnd = (record: ActivityRecord): boolean =>
  record.kind === 'outcome' || record.kind === 'interrupted';

/** An end knows less of the person than the request did. */
function personOf({ person }: ActivityRecord): Pick<ActivityRecord, 'person'> {
  return person === undefined ? {} : { person };
}

function joined(request: ActivityRecord, outcome: ActivityRecord | undefined): ActivityRow {
  const key = String(request.seq);
  if (outcome === undefined) return { ...request, key, open: request.decision !== 'deny' };
  const code = outcome.kind === 'interrupted' ? 'interrupted' : (outcome.code ?? request.code);
  const { seq, at, kind } = request;
  const joint = { ...request, ...outcome, ...personOf(request), seq, at, kind, key, open: false };
  return code === undefined ? joint : { ...joint, code };
}

/**
 * Whether a request was refused, by the app, the relay or the API.
 *
 * @param row a line of the table
 * @returns true for a denial or a status from 400 on
 */
export function isRefused(row: ActivityRow): boolean {
  return row.decision === 'deny' || (row.status !== undefined && row.status >= 400);
}

/**
 * Keeps the lines that a person asked for.
 *
 * @param rows the lines
 * @param filter all conditions must hold; the text is looked for in what the line shows, in any case
 * @returns the lines left, in order
 */
export function filterRows(
  rows: readonly ActivityRow[],
  filter: ActivityFilter,
): readonly ActivityRow[] {
  const words = filter.text.toLowerCase().split(/\s+/u).filter(Boolean);
  return rows.filter(
    (row) =>
      (filter.api === '' || row.api === filter.api) &&
      (!filter.deniedOnly || isRefused(row)) &&
      words.every((word) => searchable(row).includes(word)),
  );
}

function searchable(row: ActivityRow): string {
  const parts = [
    row.kind === 'request' ? row.kind : eventWords(row),
    row.method,
    row.api,
    row.path,
    row.status,
    row.code,
    row.rule,
    row.person,
  ];
  return [...parts, row.requestId, row.tool, row.toolKey].join(' ').toLowerCase();
}
