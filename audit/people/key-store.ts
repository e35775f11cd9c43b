import { createHmac, randomBytes } from 'node:crypto';
import type { KeyFile } from './key-file.ts';
import { decrypt, encrypt, type Person, pseudonym } from './cipher.ts';

/** A random key, and what stands for its owner in the records. */
export interface PersonKey {
  /** The pseudonym; of strangers the UTC day. */
  readonly who: string;
  readonly key: Buffer;
  /** Absent for the strangers of a day. */
  readonly person?: Person;
}

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
export function createKeyStore({ db, master }: KeyFile): KeyStore {
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

  const indexOf = (value: readonly string[]): Buffer =>
    createHmac('sha256', master.index).update(JSON.stringify(value)).digest();
  const personIndex = (owner: Person | string): Buffer =>
    typeof owner === 'string'
      ? indexOf(['day', owner])
      : indexOf(['person', owner.issuer, owner.user]);

  function opened(row: Row | undefined): UsedKey | undefined {
    const text = row && decrypt(master.wrap, row.sealed, row.who);
    if (text === undefined) return undefined;
    const { key: encoded, person } = JSON.parse(text) as { key: string; person?: Person };
    const key = Buffer.from(encoded, 'base64url');
    const { who, seen } = row as Row;
    if (!person) return { who, seen, key };
    // An entry that was made to name somebody else does not fit its pseudonym.
    return pseudonym(key, person) === who ? { who, seen, key, person } : undefined;
  }

  const put = db.transaction((created: readonly UsedKey[], touched: readonly UsedKey[]) => {
    for (const { who, key, person, seen } of created) {
      const text = JSON.stringify({ key: key.toString('base64url'), person });
      const sealed = encrypt(master.wrap, text, who);
      insert.run(
        who,
        personIndex(person ?? who),
        person ? indexOf(['user', person.user]) : null,
        seen,
        sealed,
      );
    }
    for (const { who, seen } of touched) touch.run(seen, who);
  });

  return {
    find: (owner) => opened(byPerson.get(personIndex(owner))),
    behind: (who) => opened(byWho.get(who)),
    pseudonymsOf(user, issuer) {
      return byUser
        .all(indexOf(['user', user]))
        .map(opened)
        .filter((key) => key && (issuer === undefined || key.person?.issuer === issuer))
        .map((key) => (key as UsedKey).who);
    },
    put(created, touched) {
      put.immediate(created, touched);
    },
    destroy: (who) => remove.run(who).changes > 0,
    destroyUnused(before, isKept) {
      let count = 0;
      for (const row of unused.all(before)) {
        if (isKept(opened(row)?.person)) continue;
        count += remove.run(row.who).changes;
      }
      return count;
    },
  };
}
