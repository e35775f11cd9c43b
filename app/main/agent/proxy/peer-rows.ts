import { open } from 'node:fs/promises';
import type { Ends } from './peer-finder.ts';
import {
  endIn,
  endsOf,
  readRow,
  SOCKET_TABLES,
  type SocketRow,
  type SocketTable,
} from '../socket-table.ts';

/** Both sockets of a connection that stays within this machine. */
export interface ConnectionRows {
  readonly ours?: SocketRow;
  readonly theirs?: SocketRow;
}

interface Search {
  readonly ends: Ends;
  found: { ours?: SocketRow; theirs?: SocketRow };
  readonly done: (found: ConnectionRows) => void;
}

/**
 * Looks connections up in the kernel's tables. The kernel walks all its sockets at each reading, so
 * that connections which arrive during one share the next: never more than one is under way, however
 * many connections another user opens.
 *
 * @param procDir `/proc`
 * @returns finds both sockets of a connection, by a reading that begins after the call
 */
export function createRowFinder(procDir: string): (ends: Ends) => Promise<ConnectionRows> {
  let waiting: Search[] = [];
  let isReading = false;

  async function readOn(): Promise<void> {
    isReading = true;
    while (waiting.length > 0) {
      const searches = waiting;
      waiting = [];
      for (const table of SOCKET_TABLES)
        await readTable(`${procDir}/net/${table}`, table, searches);
      for (const { done, found } of searches) done(found);
    }
    isReading = false;
  }

  return (ends) =>
    new Promise((done) => {
      waiting.push({ ends, found: {}, done });
      if (!isReading) void readOn();
    });
}

type Note = (row: SocketRow) => void;

/** What to look for in a table: of each search, what it still lacks. */
function wantedIn(table: SocketTable, searches: readonly Search[]): Map<string, Note[]> {
  const wanted = new Map<string, Note[]>();
  // A connection that was reset may still be looked for when the next one has the same ends.
  const want = (ends: string, note: Note): unknown =>
    wanted.get(ends)?.push(note) ?? wanted.set(ends, [note]);
  for (const { ends, found } of searches) {
    const near = endIn(ends.near.address, ends.near.port, table);
    const far = endIn(ends.far.address, ends.far.port, table);
    if (near === undefined || far === undefined) continue;
    if (!found.ours) want(`${near} ${far}`, (row) => (found.ours = row));
    if (!found.theirs) want(`${far} ${near}`, (row) => (found.theirs = row));
  }
  return wanted;
}

async function readTable(
  path: string,
  table: SocketTable,
  searches: readonly Search[],
): Promise<void> {
  const wanted = wantedIn(table, searches);
  if (wanted.size === 0) return;
  try {
    for await (const piece of piecesOf(path)) {
      if (!mayName(piece, wanted)) continue;
      for (const line of piece.split('\n')) {
        const notes = wanted.get(endsOf(line));
        const row = notes && readRow(line);
        if (!notes || !row) continue;
        for (const note of notes) note(row);
        wanted.delete(row.ends);
      }
      if (wanted.size === 0) return;
    }
  } catch {
    // A machine without IPv6 has no such table; where there is none at all, nothing is found.
  }
}

/** Up to this many ends, a piece is searched for each before it is taken apart: mostly it has none. */
const FEW = 16;

function mayName(piece: string, wanted: ReadonlyMap<string, unknown>): boolean {
  return wanted.size > FEW || [...wanted.keys()].some((ends) => piece.includes(ends));
}

const PIECE_BYTES = 64 * 1024;

/** The file's whole lines, as many as the kernel gives at a time. */
async function* piecesOf(path: string): AsyncGenerator<string> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    let rest = '';
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      const text = rest + buffer.toString('latin1', 0, bytesRead);
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      yield text.slice(0, end);
    }
  } finally {
    await file.close();
  }
}
