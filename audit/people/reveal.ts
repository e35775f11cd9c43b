import type { AuditRecord, PersonalFields } from '../record.ts';
import { decrypt } from './cipher.ts';
import type { PersonKey } from './entry.ts';
import { readKeyFile } from './key-file.ts';
import { createKeyStore, type KeyStore } from './key-store.ts';
import { createRecent } from './recent.ts';

const remembered = 10_000;
/** In front of what is sealed with the key of a day's strangers. */
const dayMark = /^(\d{4}-\d\d-\d\d):/;

/** Restores the members of a record that name somebody, where their key still exists. */
export type Reveal = (record: AuditRecord) => AuditRecord;

/** The people of a ledger, for reading. */
export interface Names {
  readonly reveal: Reveal;
  /** The pseudonyms of a subject's accounts; a pseudonym stands for itself. */
  pseudonymsOf(user: string, issuer?: string): readonly string[];
  close(): void;
}

/**
 * Opens the people of a ledger for reading; works while it is being written.
 *
 * @param dir the ledger's directory
 * @returns the names; close them
 * @throws {AuditError} `audit_config` when the master key is another's or readable by others
 */
export function openNames(dir: string): Names {
  const file = readKeyFile(dir);
  if (!file) return { reveal: (record) => record, pseudonymsOf: (user) => [user], close() {} };
  const store = createKeyStore(file);
  return {
    reveal: createReveal(store.behind),
    pseudonymsOf: (user, issuer) => [...store.pseudonymsOf(user, issuer), user],
    close: () => file.close(),
  };
}

/**
 * Makes a function that restores records.
 *
 * @param behind finds keys
 * @returns the function; it remembers what it opened
 */
export function createReveal(behind: KeyStore['behind']): Reveal {
  const keys = createRecent<PersonKey | 'destroyed'>(remembered);
  const texts = createRecent<PersonalFields>(remembered);

  function keyOf(who: string): PersonKey | undefined {
    const known = keys.get(who);
    if (known !== undefined) return known === 'destroyed' ? undefined : known;
    const found = behind(who);
    keys.set(who, found ?? 'destroyed');
    return found;
  }

  function open({ key, who }: PersonKey, sealed: string): PersonalFields {
    const known = texts.get(sealed);
    if (known !== undefined) return known;
    const bytes = Buffer.from(sealed.replace(dayMark, ''), 'base64url');
    const text = decrypt(key, bytes, who);
    const fields = text === undefined ? {} : (JSON.parse(text) as PersonalFields);
    texts.set(sealed, fields);
    return fields;
  }

  return (record) => {
    const { sealed } = record;
    const who = record.who ?? (sealed === undefined ? undefined : dayMark.exec(sealed)?.[1]);
    const key = who === undefined ? undefined : keyOf(who);
    if (!key) return record;
    return {
      ...record,
      ...(key.person && { user: key.person.user }),
      ...(sealed === undefined ? {} : open(key, sealed)),
    };
  };
}
