import { forgetHabits } from '../anomalies/forget.ts';
import { AuditError } from '../errors.ts';
import { requireLedger } from '../reader.ts';
import { createHolds, type Hold, holdsPerson } from '../retention/holds.ts';
import { accountName } from './account.ts';
import { countRecords } from './count-records.ts';
import { noKeyFile, readKeyFile } from './key-file.ts';
import type { PersonKey } from './entry.ts';
import { createKeyStore } from './key-store.ts';
import { overwriteDeleted } from './overwrite.ts';
import { changePeople, type LedgerPlace } from './registry.ts';

/** What an erasure did. */
export interface Erasure {
  /** The pseudonyms that remain in the records and lead nowhere. */
  readonly erased: readonly string[];
  /** How many records can't be read any more as far as they named this person. */
  readonly records: number;
  /** How many records of an earlier version name the person in clear, until they expire. */
  readonly clear: number;
  /** Whether the bytes of the keys are overwritten; else something reads their file without end. */
  readonly isOverwritten: boolean;
  /** Whether the erasure is recorded; else the ledger's next writer does that. */
  readonly isRecorded: boolean;
}

/**
 * Destroys the keys of a person's accounts, so that nothing in the records of a ledger leads to it any more.
 *
 * @param place where the ledger lies
 * @param person the subject; without issuer its accounts at every issuer
 * @returns what became of it
 * @throws {AuditError} `audit_refused` for somebody unknown, and while a legal hold covers the person;
 *   `audit_config`
 */
export async function erasePerson(
  place: LedgerPlace,
  person: { readonly user: string; readonly issuer?: string },
): Promise<Erasure> {
  const { dir } = place;
  const known = pseudonymsOf(dir, person);
  const [first] = known;
  if (first === undefined) {
    const at = person.issuer === undefined ? '' : ` of ${person.issuer}`;
    throw new AuditError('audit_refused', `the audit in ${dir} knows no user ${person.user}${at}`);
  }
  // Counted before, so that the keys are not locked for as long as that takes.
  const counts = known.map((who) => ({ who, count: countRecords(dir, { people: [who] }) }));
  const detail = JSON.stringify({ by: accountName() });
  const { isRecorded, isClean } = await changePeople(
    place,
    (file) => {
      const store = createKeyStore(file);
      for (const who of known) {
        const key = store.behind(who);
        if (!key) continue;
        refuseWhileHeld(dir, createHolds(file).list(), key);
        store.destroy(who);
      }
      return {
        result: undefined,
        events: counts.map((it) => ({ kind: 'erase', fields: { ...it, detail } })),
      };
    },
    overwriteDeleted,
  );
  forgetHabits(dir, known);
  return {
    erased: known,
    records: counts.reduce((sum, { count }) => sum + count, 0),
    clear: countRecords(dir, { people: [person.user] }),
    isRecorded,
    isOverwritten: isClean,
  };
}

function pseudonymsOf(
  dir: string,
  { user, issuer }: { readonly user: string; readonly issuer?: string },
): readonly string[] {
  requireLedger(dir);
  const file = readKeyFile(dir);
  if (!file) throw noKeyFile(dir);
  try {
    return createKeyStore(file).pseudonymsOf(user, issuer);
  } finally {
    file.close();
  }
}

function refuseWhileHeld(dir: string, holds: readonly Hold[], key: PersonKey): void {
  const held = holds.find(({ holds: it }) =>
    it.kind === 'api'
      ? countRecords(dir, { people: [key.who], api: it.api }, 1) > 0
      : key.person && holdsPerson(it, key.person),
  );
  if (!held) return;
  throw new AuditError(
    'audit_refused',
    `nothing is erased: the legal hold ${held.id} (${held.reason}) covers this person; audit hold remove ends it`,
  );
}
