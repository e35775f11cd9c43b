import type { AuditKind, RecordedFields } from '../record.ts';
import { decrypt, encrypt } from './cipher.ts';
import type { MasterKey } from './master-key.ts';

/** What may be recorded of people and holds; never what happened to a request. */
const KINDS = ['admin-read', 'anomaly', 'config', 'erase', 'export', 'hold'] as const;

/** What a process other than the ledger's writer did, as it is to be recorded. */
export interface NewEvent {
  readonly kind: Extract<AuditKind, (typeof KINDS)[number]>;
  readonly fields: RecordedFields;
}

/** An event with the place in the chain after which its record will stand. */
export interface NotedEvent extends NewEvent {
  /** The newest record as the event was noted. */
  readonly after: number;
}

/** An event as it waits to be recorded. */
export interface SealedEvent {
  readonly id: string;
  readonly sealed: Buffer;
}

/**
 * Seals an event. Its writer records what it opens as if it had seen it, so that nobody without the master key
 * may put anything there.
 *
 * @param master the master key in use
 * @param id of the event, which no other has
 * @param event what is to be recorded
 * @returns how it waits
 */
export function sealEvent(master: MasterKey, id: string, event: NotedEvent): SealedEvent {
  return { id, sealed: encrypt(master.wrap, JSON.stringify(event), context(id)) };
}

/**
 * Opens what {@link sealEvent} made.
 *
 * @param master as then
 * @param event as it waited, whoever wrote that
 * @returns the event; `undefined` when it was not made under this key, or is another's
 */
export function openEvent(master: MasterKey, { id, sealed }: SealedEvent): NotedEvent | undefined {
  // A table that was put in place of ours holds whatever it likes.
  if (!Buffer.isBuffer(sealed)) return undefined;
  const text = decrypt(master.wrap, sealed, context(id));
  if (text === undefined) return undefined;
  const event = JSON.parse(text) as NotedEvent;
  return KINDS.includes(event.kind) ? event : undefined;
}

/**
 * What is recorded in place of something in `people.sqlite` that was not written under its master key.
 *
 * @param count how many
 * @param what they are, and what was done about it; nothing of their content, which anybody may have written
 * @returns the event
 */
export function forgery(count: number, what: string): NewEvent {
  return { kind: 'anomaly', fields: { rule: 'forgery', count, detail: what } };
}

const context = (id: string): string => `event ${id}`;
