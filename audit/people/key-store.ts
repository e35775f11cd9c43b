import { randomBytes } from 'node:crypto';
import { type Person, pseudonym } from './cipher.ts';
import { openEntry, ownerIndex, type PersonKey, sealEntry, userIndex } from './entry.ts';
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
  /** Destroys the keys that were last used before a UTC day, but for those kept. */
  destroyUnused(before: string, isKept: (person: Person | undefined) => boolean): number;
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
  const insert = db.prepare<[string, Buffer, Buffer | null, string, Buffer]>(
    'INSERT INTO keys VALUES (?, ?, ?, ?, ?) ON CONFLICT (who) DO NOTHING',
  );
  const touch = db.prepare<[string, string]>('UPDATE keys SET seen = ? WHERE who = ?');
  const remove = db.prepare<[string]>('DELETE FROM keys WHERE who = ?');
  const unused = db.prepare<[string], Row>('SELECT who, seen, sealed FROM keys WHERE seen < ?');

  function opened(master: MasterKey, row: Row | undefined): UsedKey | undefined {
    if (!row) return undefined;
    const entry = openEntry(master, row);
    return entry && { ...entry, seen: row.seen };
  }

  const put = db.transaction((created: readonly UsedKey[], touched: readonly UsedKey[]) => {
    const master = inUse.current();
    for (const key of created) {
      const { person, user, sealed } = sealEntry(master, key);
      insert.run(key.who, person, user, key.seen, sealed);
    }
    for (const { who, seen } of touched) touch.run(seen, who);
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
    destroyUnused(before, isKept) {
      const rows = read((master) =>
        unused.all(before).map((row) => ({ who: row.who, person: openEntry(master, row)?.person })),
      );
      const gone = rows.filter(({ person }) => !isKept(person));
      return gone.reduce((count, { who }) => count + remove.run(who).changes, 0);
    },
  };
}
