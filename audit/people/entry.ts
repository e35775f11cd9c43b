import { createHmac } from 'node:crypto';
import { decrypt, encrypt, type Person, pseudonym } from './cipher.ts';
import type { MasterKey } from './master-key.ts';

/** A random key, and what stands for its owner in the records. */
export interface PersonKey {
  /** The pseudonym; of strangers the UTC day. */
  readonly who: string;
  readonly key: Buffer;
  /** Absent for the strangers of a day. */
  readonly person?: Person;
}

/** What of a key's entry depends on the master key. */
export interface SealedEntry {
  /** Finds the key of a person, or of a day. */
  readonly person: Buffer;
  /** Finds the keys of a subject. */
  readonly user: Buffer | null;
  readonly sealed: Buffer;
}

/**
 * Seals a person's key.
 *
 * @param master what it is kept under
 * @param key the key and its owner
 * @returns its entry
 */
export function sealEntry(master: MasterKey, { who, key, person }: PersonKey): SealedEntry {
  const text = JSON.stringify({ key: key.toString('base64url'), person });
  return {
    person: ownerIndex(master, person ?? who),
    user: person ? userIndex(master, person.user) : null,
    sealed: encrypt(master.wrap, text, who),
  };
}

/**
 * Opens what {@link sealEntry} made.
 *
 * @param master as then
 * @param row the entry
 * @returns the key; `undefined` when it is kept under another, was changed, or does not fit its pseudonym
 */
export function openEntry(
  master: MasterKey,
  { who, sealed }: { readonly who: string; readonly sealed: Buffer },
): PersonKey | undefined {
  const text = decrypt(master.wrap, sealed, who);
  if (text === undefined) return undefined;
  const { key: encoded, person } = JSON.parse(text) as { key: string; person?: Person };
  const key = Buffer.from(encoded, 'base64url');
  if (!person) return { who, key };
  // An entry that was made to name somebody else does not fit its pseudonym.
  return pseudonym(key, person) === who ? { who, key, person } : undefined;
}

/**
 * Makes an owner findable without naming anybody.
 *
 * @param master the master key
 * @param owner a person, or the UTC day of strangers
 * @returns what its entry is found by
 */
export function ownerIndex(master: MasterKey, owner: Person | string): Buffer {
  return typeof owner === 'string'
    ? indexOf(master, ['day', owner])
    : indexOf(master, ['person', owner.issuer, owner.user]);
}

/**
 * Makes the accounts of a subject findable without naming anybody.
 *
 * @param master the master key
 * @param user the subject, at whichever issuer
 * @returns what their entries are found by
 */
export function userIndex(master: MasterKey, user: string): Buffer {
  return indexOf(master, ['user', user]);
}

/**
 * Vouches for the day on which a key was last used: whoever moves it back could have the key destroyed early.
 *
 * @param master the master key
 * @param who the key's pseudonym, or the day of strangers
 * @param seen the UTC day
 * @returns what stands beside the day
 */
export function usageMark(master: MasterKey, who: string, seen: string): Buffer {
  return indexOf(master, ['seen', who, seen]);
}

const indexOf = (master: MasterKey, value: readonly string[]): Buffer =>
  createHmac('sha256', master.index).update(JSON.stringify(value)).digest();
