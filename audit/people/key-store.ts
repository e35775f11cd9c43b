import { randomBytes } from 'node:crypto';
import { type Person, pseudonym } from './cipher.ts';
import { openEntry, ownerIndex, type PersonKey, sealEntry, usageMark, userIndex } from './entry.ts';
import type { KeyFile } from './key-file.ts';
import type { MasterKey } from './master-key.ts';

/** A key with the UTC day on which it was last used, `YYYY-MM-DD`. */
export interface UsedKey extends PersonKey {
  seen: string;
}

/** The entries of people's keys. */
export interface KeyStore {
  /** @returns the key that new records are sealed with, if there is one */
  find(owner: Person | string): UsedKey | undefined;
  /** @returns the key behind a pseudonym or a day; `undefined` once it was destroyed */
  behind(who: string): PersonKey | undefined;
  /** Whom a subject may mean: the pseudonyms of its accounts at every issuer, or at one. */
  pseudonymsOf(user: string, issuer?: string): readonly string[];
  /** Adds keys, and notes when others were used unless they were destroyed; durably, all or none. */
  put(created: readonly UsedKey[], touched: readonly UsedKey[]): void;
  /** @returns whether there was such a key */
  destroy(who: string): boolean;
  /**
   * Destroys the keys that were last used before a UTC day, but for those kept. Where that day was altered, the key
   * counts as used today; in a transaction.
   */
  destroyUnused(
    days: { readonly before: string; readonly today: string },
    isKept: (person: Person | undefined) => boolean,
  ): { readonly destroyed: number; readonly altered: number };
}

/**
 * Makes a new key.
 *
 * @param owner a person, or the UTC day of strangers
 * @param seen the UTC day of its first use
 * @returns the key, known to nobody yet
 */
export function createKey(owner: Person | string, seen: string): UsedKey {
  const key = randomBytes(32);
  return typeof owner === 'string'
    ? { who: owner, key, seen }
    : { who: pseudonym(key, owner), key, person: owner, seen };
}

interface Row {
  readonly who: string;
  readonly seen: string;
  readonly sealed: Buffer;
}

interface MarkedRow extends Row {
  readonly mark: Buffer;
}

/**
 * Tells whether the day on which a key was last used is the one that its writer noted.
 *
 * @param master the master key in use
 * @param row the key's entry
 * @returns whether it is
 */
export function isMarked(
  master: MasterKey,
  { who, seen, mark }: Pick<MarkedRow, 'who' | 'seen' | 'mark'>,
): boolean {
  return usageMark(master, who, seen).equals(mark);
}

/**
 * Reads and writes the entries of an open file.
 *
 * @param file the file, open for writing unless nothing is put or destroyed
 * @returns its entries
 */
export function createKeyStore({ db, read, key: inUse }: KeyFile): KeyStore {
  const byPerson = db.prepare<[Buffer], Row>(
    'SELECT who, seen, sealed FROM keys WHERE person = ? ORDER BY rowid DESC LIMIT 1',
  );
  const byWho = db.prepare<[string], Row>('SELECT who, seen, sealed FROM keys WHERE who = ?');
  const byUser = db.prepare<[Buffer], Row>('SELECT who, seen, sealed FROM keys WHERE user = ?');
  const remove = db.prepare<[string]>('DELETE FROM keys WHERE who = ?');

  function opened(master: MasterKey, row: Row | undefined): UsedKey | undefined {
    if (!row) return undefined;
    const entry = openEntry(master, row);
    return entry && { ...entry, seen: row.seen };
  }

  const insert = db.prepare<[string, Buffer, Buffer | null, string, Buffer, Buffer]>(
    'INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (who) DO NOTHING',
  );
  const note = db.prepare<[string, Buffer, string]>(
    'UPDATE keys SET seen = ?, mark = ? WHERE who = ?',
  );

  function touch(master: MasterKey, who: string, seen: string): void {
    note.run(seen, usageMark(master, who, seen), who);
  }

  const put = db.transaction((created: readonly UsedKey[], touched: readonly UsedKey[]) => {
    const master = inUse.current();
    for (const key of created) {
      const { person, user, sealed } = sealEntry(master, key);
      const mark = usageMark(master, key.who, key.seen);
      insert.run(key.who, person, user, key.seen, sealed, mark);
    }
    for (const { who, seen } of touched) touch(master, who, seen);
  });

  return {
    find: (owner) => read((master) => opened(master, byPerson.get(ownerIndex(master, owner)))),
    behind: (who) => read((master) => opened(master, byWho.get(who))),
    pseudonymsOf(user, issuer) {
      return read((master) =>
        byUser
          .all(userIndex(master, user))
          .map((row) => openEntry(master, row))
          .filter((key) => key !== undefined)
          .filter(({ person }) => issuer === undefined || person?.issuer === issuer)
          .map(({ who }) => who),
      );
    },
    put(created, touched) {
      put.immediate(created, touched);
    },
    destroy: (who) => remove.run(who).changes > 0,
    destroyUnused({ before, today }, isKept) {
      const master = inUse.current();
      let [destroyed, altered] = [0, 0];
      const rows = db
        .prepare<[string], MarkedRow>('SELECT who, seen, sealed, mark FROM keys WHERE seen < ?')
        .all(before);
      for (const row of rows) {
        if (!isMarked(master, row)) {
          touch(master, row.who, today);
          altered += 1;
        } else if (!isKept(openEntry(master, row)?.person)) {
          destroyed += remove.run(row.who).changes;
        }
      }
      return { destroyed, altered };
    },
  };
}
