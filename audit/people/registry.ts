import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AuditError } from '../errors.ts';
import { createLedger } from '../ledger.ts';
import { queryLedger } from '../query.ts';
import { requireLedger } from '../reader.ts';
import { type KeyFile, openExistingKeyFile } from './key-file.ts';
import { createEvents } from './events.ts';
import type { NewEvent } from './event-seal.ts';

const busyTimeoutMs = 5_000;
const patienceMs = 10_000;

/** A change to a ledger's people and holds by a process that need not be the ledger's writer. */
export interface Change<T> {
  readonly result: T;
  /** What is to be recorded of it, a record each. */
  readonly events: readonly NewEvent[];
}

/** How a change came out. */
export interface Changed<T> {
  readonly result: T;
  /** What `cleanUp` said. */
  readonly isClean: boolean;
  /** Whether its records are committed; else whoever writes the ledger next does that. */
  readonly isRecorded: boolean;
}

/** Where a ledger lies. */
export interface LedgerPlace {
  readonly dir: string;
  /** The key that signs its checkpoints, where it is not at its usual place. */
  readonly keyFile?: string;
}

/**
 * Changes the people of a ledger, whether or not it is being written, and has that recorded: by its writer, else
 * by this process.
 *
 * @param place where the ledger lies
 * @param change what to do, all or nothing; throws to leave all as it is
 * @param cleanUp what to do once the change is there to stay; tells whether that could be done
 * @returns what `change` said
 * @throws {AuditError} `audit_config` where there is no ledger, or no keys of its people; whatever `change` throws
 */
export async function changePeople<T>(
  place: LedgerPlace,
  change: (file: KeyFile) => Change<T>,
  cleanUp: (file: KeyFile) => Promise<boolean> = () => Promise.resolve(true),
): Promise<Changed<T>> {
  const { dir } = place;
  requireLedger(dir);
  const file = openExistingKeyFile(dir, busyTimeoutMs);
  try {
    const events = createEvents(file, dir);
    const { result, ids } = file.db
      .transaction(() => {
        const changed = change(file);
        return { result: changed.result, ids: events.add(changed.events) };
      })
      .immediate();
    const isClean = await cleanUp(file);
    return { result, isClean, isRecorded: await recorded(() => events.isWaiting(ids), place) };
  } finally {
    file.close();
  }
}

async function recorded(isWaiting: () => boolean, place: LedgerPlace): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (isWaiting()) {
    if (Date.now() > deadline) return false;
    const outcome = await writeHere(place);
    if (outcome === 'impossible') return false;
    if (outcome === 'locked') await setTimeout(100);
  }
  return true;
}

/** Opening a ledger records what waits for it. */
async function writeHere(place: LedgerPlace): Promise<'done' | 'locked' | 'impossible'> {
  const { dir, keyFile = `${resolve(place.dir)}.key` } = place;
  // Its checkpoints are signed with a key that is elsewhere.
  if (!existsSync(keyFile)) return 'impossible';
  const [newest] = queryLedger(dir, { limit: 1 }).records;
  try {
    await createLedger({ dir, side: newest?.side ?? 'relay', keyFile }).close();
    return 'done';
  } catch (error) {
    return error instanceof AuditError && error.code === 'audit_locked' ? 'locked' : 'impossible';
  }
}
