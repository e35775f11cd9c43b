import { createHolds } from '../retention/holds.ts';
import { openEntry } from './entry.ts';
import { type NotedEvent, openEvent, type SealedEvent } from './event-seal.ts';
import { type KeyFile, readKeyFile } from './key-file.ts';
import { isMarked } from './key-store.ts';
import type { MasterKey } from './master-key.ts';

/** An event that was noted once. */
export interface ToldEvent extends NotedEvent {
  readonly id: string;
}

/** What `people.sqlite` held at one moment. */
export interface PeopleSnapshot {
  /** By pseudonym or day, whether the entry is what its writer left, and the day of its last use as well. */
  readonly keys: ReadonlyMap<string, 'altered' | 'intact' | 'moved'>;
  /** The ids of the legal holds. */
  readonly holds: ReadonlySet<string>;
  /** Each erasure, and each change of legal holds. */
  readonly told: readonly ToldEvent[];
  /** The ids of what waits to be recorded. */
  readonly waiting: ReadonlySet<string>;
  /** How many events there nobody with the master key wrote. */
  readonly forged: number;
}

/**
 * Reads all that a ledger's `people.sqlite` holds, and tells what was altered.
 *
 * @param dir the ledger's directory
 * @returns what is there; `undefined` where there is no file, or no key to open it
 * @throws {AuditError} `audit_config` when the master key is another's; `audit_tampered` for an altered legal hold
 */
export function peopleSnapshot(dir: string): PeopleSnapshot | undefined {
  const file = readKeyFile(dir);
  if (!file) return undefined;
  try {
    return file.read((master) => snapshot(file, master));
  } finally {
    file.close();
  }
}

function snapshot(file: KeyFile, master: MasterKey): PeopleSnapshot {
  const holds = new Set(
    createHolds(file)
      .list()
      .map(({ id }) => id),
  );
  const waiting = eventsIn(file, 'events').map((row) => ({ row, event: openEvent(master, row) }));
  return {
    keys: keysOf(file, master),
    holds,
    told: eventsIn(file, 'told').flatMap((row) => {
      const event = openEvent(master, row);
      return event ? [{ id: row.id, ...event }] : [];
    }),
    waiting: new Set(waiting.filter(({ event }) => event).map(({ row }) => row.id)),
    forged: waiting.filter(({ event }) => !event).length,
  };
}

const eventsIn = ({ db }: KeyFile, table: 'events' | 'told'): readonly SealedEvent[] =>
  db.prepare<[], SealedEvent>(`SELECT id, sealed FROM ${table} ORDER BY rowid`).all();

function keysOf({ db }: KeyFile, master: MasterKey): PeopleSnapshot['keys'] {
  const rows = db
    .prepare<[], { who: string; seen: string; sealed: Buffer; mark: Buffer }>(
      'SELECT who, seen, sealed, mark FROM keys',
    )
    .iterate();
  const keys = new Map<string, 'altered' | 'intact' | 'moved'>();
  for (const row of rows) {
    const isIntact = openEntry(master, row) !== undefined;
    keys.set(row.who, !isIntact ? 'altered' : isMarked(master, row) ? 'intact' : 'moved');
  }
  return keys;
}
