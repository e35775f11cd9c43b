import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { AuditError } from './errors.ts';
import { masterKeyPath, nextKeyPath } from './people/master-key.ts';
import type { LedgerPlace } from './people/registry.ts';
import { rotateMasterKey } from './people/rotate-key.ts';

/** The options of `audit rotate-key`, as parseArgs takes them. */
export const rotateKeyOptions = { json: { type: 'boolean' } } as const;

/**
 * The command `audit rotate-key`.
 *
 * @param place where the ledger lies
 * @param options as given on the command line
 * @param stdout where to say what was done
 * @throws {AuditError} as `rotateMasterKey`; `audit_config` also when the new key is in use, but not yet in the
 *   file of the old one
 */
export async function rotateKeyCommand(
  place: LedgerPlace,
  { json = false }: { readonly json?: boolean | undefined },
  stdout: Writable,
): Promise<void> {
  const { keys, holds, unreadable, isInPlace, isOverwritten, isRecorded } =
    await rotateMasterKey(place);
  if (json) {
    const done = { inPlace: isInPlace, overwritten: isOverwritten, recorded: isRecorded };
    stdout.write(`${JSON.stringify({ ok: isInPlace, keys, holds, unreadable, ...done })}\n`);
  } else {
    const said = [
      `Under a new master key now: keys of people ${keys}, legal holds ${holds}. Back it up, and destroy copies of the old one`,
      unreadable > 0 &&
        `${unreadable} keys could not be opened with the old one either, and stay as they are`,
      !isOverwritten &&
        'what the old key opened is not overwritten yet: a process reads its file all the time',
      !isRecorded && 'whoever writes the audit next records the rotation',
    ];
    for (const line of said) if (line !== false) stdout.write(`${line}\n`);
  }
  if (isInPlace) return;
  const file = masterKeyPath(resolve(place.dir));
  throw new AuditError(
    'audit_config',
    `${nextKeyPath(file)} is the key in use now, and could not take the place of ${file}: move it there`,
  );
}
