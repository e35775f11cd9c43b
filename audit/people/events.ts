import { randomUUID } from 'node:crypto';
import { openReader, segmentsToRead } from '../reader.ts';
import { readInfo, STUB_KIND } from '../segment.ts';
import {
  forgery,
  type NewEvent,
  type NotedEvent,
  openEvent,
  type SealedEvent,
  sealEvent,
} from './event-seal.ts';
import type { KeyFile } from './key-file.ts';
import type { MasterKey } from './master-key.ts';

/** An event that waits to be recorded, as the ledger's writer finds it. */
export interface PeopleEvent extends NewEvent {
  readonly rows: readonly EventRow[];
}

/** Where an event lies; as text, since a forged number may be larger than any of ours. */
interface EventRow extends SealedEvent {
  readonly row: string;
}

/** The events of a ledger's people. */
export interface Events {
  /** Notes events, of erasures and holds for good; in a transaction with what they tell of. Returns their ids. */
  add(events: readonly NewEvent[]): readonly string[];
  /** Whether one of these still waits. */
  isWaiting(ids: readonly string[]): boolean;
  /** What is to be recorded; one event stands for all that are not ours. */
  list(): readonly PeopleEvent[];
  /** Removes what is recorded. */
  remove(event: PeopleEvent): void;
  /** Seals them under another master key; what does not open stays as it is. */
  rewrap(master: MasterKey): void;
}

/**
 * Reads and writes the events that wait to be recorded.
 *
 * @param file the open file of people's keys
 * @param dir the ledger's directory
 * @returns the events
 */
export function createEvents(file: KeyFile, dir: string): Events {
  const { db, key } = file;
  const all = db.prepare<[], EventRow>(
    'SELECT CAST(rowid AS TEXT) AS row, id, sealed FROM events ORDER BY rowid',
  );
  // By its content as well: the number may be another event's by now.
  const drop = db.prepare<[string, unknown]>(
    'DELETE FROM events WHERE rowid = CAST(? AS INTEGER) AND sealed IS ?',
  );
  const waiting = db
    .prepare<[string], number>(
      'SELECT count(*) FROM events WHERE id IN (SELECT value FROM json_each(?))',
    )
    .pluck();

  function remove({ rows }: Pick<PeopleEvent, 'rows'>): void {
    for (const { row, sealed } of rows) drop.run(row, sealed);
  }

  return {
    add(events) {
      const put = (table: 'events' | 'told', { id, sealed }: SealedEvent): void => {
        db.prepare(`INSERT INTO ${table} (id, sealed) VALUES (?, ?)`).run(id, sealed);
      };
      const after = newestSeq(dir);
      return events.map((event) => {
        const sealed = sealEvent(key.current(), randomUUID(), { ...event, after });
        put('events', sealed);
        if (event.kind === 'erase' || event.kind === 'hold') put('told', sealed);
        return sealed.id;
      });
    },
    isWaiting: (ids) => waiting.get(JSON.stringify(ids)) !== 0,
    list() {
      const rows = file.read((master) =>
        all.all().map((row) => ({ row, event: openEvent(master, row) })),
      );
      const forged = rows.filter(({ event }) => event === undefined).map(({ row }) => row);
      const ours: PeopleEvent[] = [];
      for (const { row, event } of rows) {
        if (!event) continue;
        // Its writer was killed before it could remove it, or somebody put it back.
        if (isRecorded(dir, row.id, event)) remove({ rows: [row] });
        else
          ours.push({
            kind: event.kind,
            fields: { ...event.fields, requestId: row.id },
            rows: [row],
          });
      }
      return forged.length === 0 ? ours : [...ours, forgedEvent(forged)];
    },
    remove,
    rewrap(master) {
      for (const table of ['events', 'told'] as const)
        rewrapTable(db, table, key.current(), master);
    },
  };
}

function rewrapTable(
  db: KeyFile['db'],
  table: 'events' | 'told',
  known: MasterKey,
  next: MasterKey,
): void {
  const put = db.prepare<[Buffer, string]>(`UPDATE ${table} SET sealed = ? WHERE id = ?`);
  for (const row of db.prepare<[], SealedEvent>(`SELECT id, sealed FROM ${table}`).all()) {
    const event = openEvent(known, row);
    if (event) put.run(sealEvent(next, row.id, event).sealed, row.id);
  }
}

function forgedEvent(rows: readonly EventRow[]): PeopleEvent {
  const what =
    'people.sqlite held events that Latchkey did not write: they are removed, and what they claim is not recorded';
  return { ...forgery(rows.length, what), rows };
}

/** Where that can't be read, an event counts as older than all records. */
function newestSeq(dir: string): number {
  const file = segmentsToRead(dir).at(-1);
  const db = file && openReader(file);
  if (!db) return 0;
  try {
    const newest = db.prepare<[], number | null>('SELECT max(seq) FROM records').pluck().get();
    return newest ?? readInfo(db).firstSeq - 1;
  } finally {
    db.close();
  }
}

/**
 * Tells whether an event has been recorded.
 *
 * Few records are younger than an event that waits for the next look of a running writer. Where younger ones have
 * expired already, a writer has started since, and recorded it then.
 *
 * @param dir the ledger's directory
 * @param id the event's
 * @param event what it is, and after which record it was noted
 * @returns whether its record is there
 */
export function isRecorded(dir: string, id: string, { kind, after }: NotedEvent): boolean {
  for (const file of segmentsToRead(dir).toReversed()) {
    const db = openReader(file);
    if (!db) continue;
    try {
      const found = db
        .prepare(
          'SELECT 1 FROM records WHERE seq > ? AND ((kind = ? AND request_id = ?) OR kind = ?)',
        )
        .get(after, kind, id, STUB_KIND);
      if (found !== undefined) return true;
      if (readInfo(db).firstSeq <= after + 1) return false;
    } finally {
      db.close();
    }
  }
  return false;
}
