import type { Writable } from 'node:stream';
import { UsageError } from './command-line.ts';
import { erasePerson } from './people/erase.ts';
import type { LedgerPlace } from './people/registry.ts';

/** The options of `audit erase`, as parseArgs takes them. */
export const eraseOptions = {
  user: { type: 'string' },
  issuer: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/**
 * The command `audit erase`.
 *
 * @param place where the ledger lies
 * @param options as given on the command line
 * @param stdout where to say what was done
 * @throws {UsageError} without a user
 * @throws {AuditError} as `erasePerson`
 */
export async function eraseCommand(
  place: LedgerPlace,
  options: {
    readonly user?: string | undefined;
    readonly issuer?: string | undefined;
    readonly json?: boolean | undefined;
  },
  stdout: Writable,
): Promise<void> {
  const { user, issuer, json = false } = options;
  if (user === undefined) throw new UsageError('audit erase needs --user USER');
  const { erased, records, clear, isOverwritten, isRecorded } = await erasePerson(place, {
    user,
    ...(issuer === undefined ? {} : { issuer }),
  });
  if (json) {
    const done = { overwritten: isOverwritten, recorded: isRecorded };
    stdout.write(`${JSON.stringify({ ok: true, erased, records, clear, ...done })}\n`);
    return;
  }
  stdout.write(`${records} records of ${erased.length} account(s) lead to nobody any more\n`);
  if (clear > 0) {
    stdout.write(
      `${clear} records were written in clear by an earlier version, and name the user until they expire\n`,
    );
  }
  if (!isOverwritten) {
    stdout.write(
      'the keys are deleted, but not overwritten yet: a process reads their file all the time\n',
    );
  }
  if (!isRecorded) stdout.write('whoever writes the audit next records the erasure\n');
}
