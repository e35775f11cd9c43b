import { canonicalJson } from './canonical-json.ts';
import { bodyHash, type Head } from './chain.ts';
import type { AuditRecord } from './record.ts';

/** Something that is not as the ledger's writer left it. */
export interface Fault {
  readonly seq?: number;
  /** Name of the file. */
  readonly segment?: string;
  readonly what: string;
}

/** A record as stored, with what it can be found by. */
export interface StoredRow {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly requestId: string | null;
  readonly user: string | null;
  readonly api: string | null;
  readonly decision: string | null;
  readonly code: string | null;
  readonly body: string;
  readonly hash: string;
}

const columns = ['at', 'kind', 'requestId', 'user', 'api', 'decision', 'code'] as const;

/**
 * Checks one record, and that it follows the one before.
 *
 * @param row as stored
 * @param previous the record before, as it is stored
 * @param format of the segment
 * @returns what is wrong with it, for people; empty when nothing is
 */
export function recordFaults(row: StoredRow, previous: Head, format: number): readonly string[] {
  const faults: string[] = [];
  if (row.seq > previous.seq + 1) {
    const gap = previous.seq + 1 === row.seq - 1 ? `${row.seq - 1} is` : 'several are';
    faults.push(`follows record ${previous.seq}: ${gap} missing`);
  } else if (row.seq <= previous.seq) {
    faults.push(`stands after record ${previous.seq}: inserted or repeated`);
  }
  if (bodyHash(row.body, format) !== row.hash) faults.push('its contents were changed');
  let record: Partial<AuditRecord>;
  try {
    record = JSON.parse(row.body) as Partial<AuditRecord>;
    if (!isCanonical(record, row.body)) faults.push('its contents are not canonical JSON');
  } catch {
    return [...faults, 'its contents are not JSON'];
  }
  if (record.seq !== row.seq) faults.push(`was record ${String(record.seq)}: moved`);
  if (record.prev !== previous.hash) faults.push('does not follow the record before it');
  for (const name of columns) {
    const said = name === 'user' ? (record.who ?? record.user) : record[name];
    if ((said ?? null) !== row[name]) faults.push(`its index entry ${name} was changed`);
  }
  return faults;
}

/** Most are written with their members in order: then JSON.stringify, which is much faster, writes the same. */
function isCanonical(record: unknown, body: string): boolean {
  const isPlain = JSON.stringify(record) === body && !body.includes('\\ud') && isOrdered(record);
  return isPlain || canonicalJson(record) === body;
}

function isOrdered(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  let last = '';
  for (const [name, member] of Object.entries(value)) {
    if (name < last || (typeof member === 'object' && !isOrdered(member))) return false;
    last = name;
  }
  return true;
}
