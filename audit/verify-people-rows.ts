import type { AuditKind, AuditRecord } from './record.ts';
import type { StoredRow } from './verify-record.ts';

/** What a record says that was done to the people of a ledger or to its legal holds. */
export type PeopleRecord = Pick<AuditRecord, 'detail' | 'requestId' | 'seq' | 'who'> & {
  readonly kind: Extract<AuditKind, 'erase' | 'hold'>;
};

/** What records say of people. */
export interface PeopleRows {
  /** The first record that names somebody, by pseudonym; of strangers by UTC day. */
  readonly named: ReadonlyMap<string, number>;
  readonly told: readonly PeopleRecord[];
}

/** They name people without using their keys, or long after: a key may be gone before them. */
const borrowing: ReadonlySet<string> = new Set<AuditKind>([
  'admin-read',
  'erase',
  'export',
  'hold',
  'interrupted',
  'outcome',
]);
const sealedOnDay = /"sealed":"(\d{4}-\d\d-\d\d):/;

/** @returns a collector of what records say of people */
export function createPeopleRows(): { take(row: StoredRow): void; rows(): PeopleRows } {
  const named = new Map<string, number>();
  const told: PeopleRecord[] = [];
  return {
    take(row) {
      if (row.kind === 'erase' || row.kind === 'hold') told.push(...peopleRecord(row.body));
      if (borrowing.has(row.kind)) return;
      const owner = row.user ?? sealedOnDay.exec(row.body)?.[1];
      if (owner === undefined || named.has(owner)) return;
      // The first format names people in clear, and needs no keys.
      if (row.user === null || row.body.includes(`"who":${JSON.stringify(owner)}`)) {
        named.set(owner, row.seq);
      }
    },
    rows: () => ({ named, told }),
  };
}

function peopleRecord(body: string): readonly PeopleRecord[] {
  try {
    return [JSON.parse(body) as PeopleRecord];
  } catch {
    // Reported as a record that was changed.
    return [];
  }
}
