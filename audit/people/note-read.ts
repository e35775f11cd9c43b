import { existsSync } from 'node:fs';
import { accountName } from './account.ts';
import type { NewEvent } from './event-seal.ts';
import { createEvents } from './events.ts';
import { openExistingKeyFile, peoplePath } from './key-file.ts';
import { createKeyStore } from './key-store.ts';

const busyTimeoutMs = 2_000;

/** What somebody took out of a ledger. */
export interface LedgerRead {
  readonly kind: Extract<NewEvent['kind'], 'export' | 'admin-read'>;
  /** Such as `export as csv`. */
  readonly what: string;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly api?: string | undefined;
  readonly user?: string | undefined;
}

/**
 * Has it recorded that somebody reads a ledger: by its writer, at once where one runs, else when it is written
 * next. Nothing else of it is touched, so that a copy stays one.
 *
 * @param dir the ledger's directory
 * @param read what is read; a person stands in the record under the pseudonym
 * @returns whether that is noted; it can't be on a copy without keys, or one that can't be written
 */
export function noteRead(dir: string, read: LedgerRead): boolean {
  if (!existsSync(peoplePath(dir))) return false;
  try {
    const file = openExistingKeyFile(dir, busyTimeoutMs);
    try {
      const { user } = read;
      const [who] = user === undefined ? [] : createKeyStore(file).pseudonymsOf(user);
      const fields = { detail: detailOf(read), ...(who === undefined ? {} : { who }) };
      createEvents(file, dir).add([{ kind: read.kind, fields }]);
    } finally {
      file.close();
    }
    return true;
  } catch {
    return false;
  }
}

function detailOf({ what, since, until, api, user }: LedgerRead): string {
  const parts = [
    `${what} by ${accountName()}`,
    ...(user === undefined ? [] : ['of one person']),
    ...(api === undefined ? [] : [`of ${api}`]),
    ...(since === undefined ? [] : [`since ${since}`]),
    ...(until === undefined ? [] : [`until ${until}`]),
  ];
  return parts.join(', ');
}
