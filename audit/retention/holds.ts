import { randomUUID } from 'node:crypto';
import { AuditError } from '../errors.ts';
import { decrypt, encrypt, type Person } from '../people/cipher.ts';
import type { KeyFile } from '../people/key-file.ts';

/** What a legal hold keeps from expiry and erasure. */
export type HeldThings =
  | { readonly kind: 'all' }
  | { readonly kind: 'api'; readonly api: string }
  /** Without issuer: the accounts of this subject everywhere. */
  | { readonly kind: 'user'; readonly user: string; readonly issuer?: string };

/** A legal hold. */
export interface Hold {
  readonly id: string;
  /** Since when, RFC 3339. */
  readonly at: string;
  readonly reason: string;
  readonly holds: HeldThings;
}

/** The legal holds of a ledger. */
export interface Holds {
  list(): readonly Hold[];
  add(hold: Omit<Hold, 'id'>): Hold;
  /** @returns the hold that was there, if any */
  remove(id: string): Hold | undefined;
}

/**
 * Reads and writes the legal holds, which name people and are therefore sealed.
 *
 * @param file the open file of people's keys
 * @returns the holds
 */
export function createHolds({ db, master }: KeyFile): Holds {
  const opened = (row: { id: string; sealed: Buffer } | undefined): Hold | undefined => {
    if (!row) return undefined;
    const text = decrypt(master.wrap, row.sealed, `hold ${row.id}`);
    if (text !== undefined) return JSON.parse(text) as Hold;
    throw new AuditError('audit_tampered', `the legal hold ${row.id} in ${db.name} was altered`);
  };
  return {
    list: () =>
      db
        .prepare<[], { id: string; sealed: Buffer }>('SELECT id, sealed FROM holds ORDER BY rowid')
        .all()
        .map(opened)
        .filter((hold) => hold !== undefined),
    add(given) {
      const hold = { id: randomUUID().slice(0, 8), ...given };
      const sealed = encrypt(master.wrap, JSON.stringify(hold), `hold ${hold.id}`);
      db.prepare('INSERT INTO holds VALUES (?, ?)').run(hold.id, sealed);
      return hold;
    },
    remove(id) {
      const hold = opened(
        db
          .prepare<[string], { id: string; sealed: Buffer }>(
            'SELECT id, sealed FROM holds WHERE id = ?',
          )
          .get(id),
      );
      if (hold) db.prepare('DELETE FROM holds WHERE id = ?').run(id);
      return hold;
    },
  };
}

/**
 * Tells whether a hold covers a person as such, whatever it did.
 *
 * @param holds what is held
 * @param person who
 * @returns whether it does
 */
export function holdsPerson(holds: HeldThings, { user, issuer }: Person): boolean {
  switch (holds.kind) {
    case 'user':
      return holds.user === user && (holds.issuer === undefined || holds.issuer === issuer);
    case 'api':
      return false;
    default:
      return true;
  }
}
