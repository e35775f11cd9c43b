import { randomUUID } from 'node:crypto';
import { AuditError } from '../errors.ts';
import { decrypt, encrypt, type Person } from '../people/cipher.ts';
import type { KeyFile } from '../people/key-file.ts';
import type { MasterKey } from '../people/master-key.ts';

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

/** The legal holds of a ledger; to be changed in a transaction only. */
export interface Holds {
  list(): readonly Hold[];
  add(hold: Omit<Hold, 'id'>): Hold;
  /** @returns the hold that was there, if any */
  remove(id: string): Hold | undefined;
  /** Seals them under another master key; returns how many. */
  rewrap(master: MasterKey): number;
}

/**
 * Reads and writes the legal holds, which name people and are therefore sealed.
 *
 * @param file the open file of people's keys
 * @returns the holds
 */
export function createHolds(file: KeyFile): Holds {
  const { db, key } = file;
  const all = db.prepare<[], SealedHold>('SELECT id, sealed FROM holds ORDER BY rowid');
  const one = db.prepare<[string], SealedHold>('SELECT id, sealed FROM holds WHERE id = ?');

  function opened(row: SealedHold, master: MasterKey): Hold {
    const text = decrypt(master.wrap, row.sealed, context(row.id));
    if (text !== undefined) return JSON.parse(text) as Hold;
    throw new AuditError('audit_tampered', `the legal hold ${row.id} in ${db.name} was altered`);
  }

  const list = (): readonly Hold[] =>
    file.read((master) => all.all().map((row) => opened(row, master)));

  return {
    list,
    add(given) {
      const hold = { id: randomUUID().slice(0, 8), ...given };
      db.prepare('INSERT INTO holds VALUES (?, ?)').run(hold.id, sealedHold(hold, key.current()));
      return hold;
    },
    remove(id) {
      const row = one.get(id);
      if (!row) return undefined;
      const hold = opened(row, key.current());
      db.prepare('DELETE FROM holds WHERE id = ?').run(id);
      return hold;
    },
    rewrap(master) {
      const holds = list();
      const put = db.prepare<[Buffer, string]>('UPDATE holds SET sealed = ? WHERE id = ?');
      for (const hold of holds) put.run(sealedHold(hold, master), hold.id);
      return holds.length;
    },
  };
}

interface SealedHold {
  readonly id: string;
  readonly sealed: Buffer;
}

const context = (id: string): string => `hold ${id}`;

const sealedHold = (hold: Hold, master: MasterKey): Buffer =>
  encrypt(master.wrap, JSON.stringify(hold), context(hold.id));

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
