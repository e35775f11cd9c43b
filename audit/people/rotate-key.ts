import { createHolds } from '../retention/holds.ts';
import { accountName } from './account.ts';
import { createEvents } from './events.ts';
import { openEntry, sealEntry, type SealedEntry, usageMark } from './entry.ts';
import { type KeyFile, readKeyFile } from './key-file.ts';
import { isMarked } from './key-store.ts';
import { createSecret, type MasterKey, masterKeyOf } from './master-key.ts';
import { overwriteDeleted } from './overwrite.ts';
import { changePeople, type LedgerPlace } from './registry.ts';

/** What a rotation did. */
export interface Rotation {
  /** How many keys, of people and of days' strangers, are kept under the new master key. */
  readonly keys: number;
  /** How many legal holds are. */
  readonly holds: number;
  /** Entries that the old master key did not open either: they were altered before, and stay as they are. */
  readonly unreadable: number;
  /** Whether the new key is in the place of the old one; else beside it, where it is found as well. */
  readonly isInPlace: boolean;
  /** Whether what the old key opened is overwritten; else something reads its file without end. */
  readonly isOverwritten: boolean;
  /** Whether the rotation is recorded; else the ledger's next writer does that. */
  readonly isRecorded: boolean;
}

/**
 * Exchanges the master key of a ledger's people for a new one, whether or not the ledger is being written. The old
 * one then opens only older copies of `people.sqlite`. Pseudonyms stay, and so does what was erased.
 *
 * The new key is durable in a file beside the old one before anything is kept under it. One commit encrypts
 * everything anew, and so decides which of the two is in use; only then the files are exchanged.
 *
 * @param place where the ledger lies
 * @returns what was done
 * @throws {AuditError} `audit_config` where there is no ledger, or its key can't be exchanged; `audit_tampered`
 *   when a legal hold was altered
 * @see NIST SP 800-57 Part 1, section 5.3 (cryptoperiods)
 */
export async function rotateMasterKey(place: LedgerPlace): Promise<Rotation> {
  const secret = createSecret();
  const next = masterKeyOf(secret);
  // Before, so that the ledger's writer is locked out for a fraction of the time.
  const ready = prepare(place.dir, next);
  let isInPlace = false;
  const { result, isClean, isRecorded } = await changePeople(
    place,
    (file) => {
      file.key.stage(secret);
      const counts = rewrap(file, next, ready);
      createEvents(file, place.dir).rewrap(next);
      file.key.adopt(next);
      const detail = JSON.stringify({ cause: 'rotate-key', by: accountName(), ...counts });
      return { result: counts, events: [{ kind: 'config', fields: { detail } }] };
    },
    (file) => {
      isInPlace = file.db.transaction(() => file.key.settle()).immediate();
      return overwriteDeleted(file);
    },
  );
  return { ...result, isInPlace, isOverwritten: isClean, isRecorded };
}

interface Row {
  readonly who: string;
  readonly seen: string;
  readonly sealed: Buffer;
  readonly mark: Buffer;
}

interface Entry extends SealedEntry {
  readonly mark: Buffer;
}

/** What entries become under the next key, by what they are. */
type Ready = ReadonlyMap<string, Row & { readonly entry: Entry }>;

function prepare(dir: string, next: MasterKey): Ready {
  const file = readKeyFile(dir);
  if (!file) return new Map();
  try {
    // The reading is over at once, and keeps nobody from emptying the log.
    const { rows, master } = file.read((key) => ({ rows: rowsOf(file), master: key }));
    const ready = new Map<string, Row & { readonly entry: Entry }>();
    for (const row of rows) {
      const entry = sealedAnew(row, master, next);
      if (entry) ready.set(row.who, { ...row, entry });
    }
    return ready;
  } finally {
    file.close();
  }
}

const rowsOf = ({ db }: KeyFile): readonly Row[] =>
  db.prepare<[], Row>('SELECT who, seen, sealed, mark FROM keys').all();

function sealedAnew(row: Row, master: MasterKey, next: MasterKey): Entry | undefined {
  const key = openEntry(master, row);
  if (!key) return undefined;
  // What was altered stays so.
  const mark = isMarked(master, row) ? usageMark(next, row.who, row.seen) : row.mark;
  return { ...sealEntry(next, key), mark };
}

type Counts = Pick<Rotation, 'keys' | 'holds' | 'unreadable'>;

function rewrap(file: KeyFile, next: MasterKey, ready: Ready): Counts {
  const holds = createHolds(file).rewrap(next);
  return { ...rewrapKeys(file, next, ready), holds };
}

function rewrapKeys(file: KeyFile, next: MasterKey, ready: Ready): Omit<Counts, 'holds'> {
  const master = file.key.current();
  const put = file.db.prepare<[Buffer, Buffer | null, Buffer, Buffer, string]>(
    'UPDATE keys SET person = ?, user = ?, sealed = ?, mark = ? WHERE who = ?',
  );
  let [keys, unreadable] = [0, 0];
  for (const row of rowsOf(file)) {
    const known = ready.get(row.who);
    const entry = known && isSame(known, row) ? known.entry : sealedAnew(row, master, next);
    if (!entry) {
      unreadable += 1;
      continue;
    }
    put.run(entry.person, entry.user, entry.sealed, entry.mark, row.who);
    keys += 1;
  }
  return { keys, unreadable };
}

/** Neither the key nor the day of its last use has changed since. */
const isSame = (a: Row, b: Row): boolean =>
  a.sealed.equals(b.sealed) && a.seen === b.seen && a.mark.equals(b.mark);
