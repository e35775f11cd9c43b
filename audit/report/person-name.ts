import type { AuditRecord } from '../record.ts';
import type { PersonName } from './shape.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Apart from what either holds. */
const BETWEEN = '\n';

/**
 * Tells whose a record is; of somebody erased the pseudonym does. The app's records are of the issuer that its relay names, whether they say so
 * or not.
 *
 * @param record as read
 * @returns a key that is the person's own; `undefined` when nobody was recognised
 */
export function personKey({ side, issuer, user, who }: AuditRecord): string | undefined {
  if (user === undefined) return who;
  return side === 'app' ? user : `${issuer ?? ''}${BETWEEN}${user}`;
}

/**
 * Names the person of a record.
 *
 * @param record of somebody recognised
 * @param before the name so far, for what this record does not say
 * @returns the name
 */
export function nameOf(record: AuditRecord, before?: PersonName): PersonName {
  const { issuer, user, userName, who } = record;
  const name: Mutable<PersonName> = { ...before, user: user ?? who ?? '' };
  if (issuer !== undefined) name.issuer = issuer;
  if (userName !== undefined) name.userName = userName;
  return name;
}
