import type { Writable } from 'node:stream';
import { UsageError } from './command-line.ts';
import { AuditError } from './errors.ts';
import { accountName } from './people/account.ts';
import { countRecords } from './people/count-records.ts';
import { createKeyStore } from './people/key-store.ts';
import { noKeyFile, readKeyFile } from './people/key-file.ts';
import type { NewEvent } from './people/event-seal.ts';
import { changePeople, type LedgerPlace } from './people/registry.ts';
import { openNames } from './people/reveal.ts';
import { requireLedger } from './reader.ts';
import { AUDIT_KINDS } from './record.ts';
import { createHolds, type HeldThings, type Hold } from './retention/holds.ts';

/** The options of `audit hold`, as parseArgs takes them. */
export const holdOptions = {
  reason: { type: 'string' },
  user: { type: 'string' },
  issuer: { type: 'string' },
  api: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** Of the hold itself its record may name the API. */
const SEEN = AUDIT_KINDS.filter((kind) => kind !== 'hold');

interface Options {
  readonly reason?: string | undefined;
  readonly user?: string | undefined;
  readonly issuer?: string | undefined;
  readonly api?: string | undefined;
  readonly all?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Where to say what was done, and what looks like a mistake. */
interface Output {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * The command `audit hold`.
 *
 * @param place where the ledger lies
 * @param words `add`, `list`, or `remove` with the hold's id
 * @param options as given on the command line
 * @param output where to write; warnings go to `stderr`, with `json` into the answer as well
 * @throws {UsageError} for anything else
 * @throws {AuditError} `audit_refused` for a hold that does not exist; `audit_config`
 */
export async function holdCommand(
  place: LedgerPlace,
  words: readonly string[],
  options: Options,
  { stdout, stderr }: Output,
): Promise<void> {
  const [action, id, ...more] = words;
  const print = (holds: readonly Hold[], said: (hold: Hold) => string, more: object = {}): void => {
    if (options.json) stdout.write(`${JSON.stringify({ ok: true, holds, ...more })}\n`);
    else for (const hold of holds) stdout.write(`${said(hold)}\n`);
  };
  if (action === 'list' && id === undefined) {
    print(list(place.dir), describe);
  } else if (action === 'add' && id === undefined) {
    const { result, isRecorded } = await add(place, options);
    const warnings = warningsOf(place.dir, result);
    for (const warning of warnings) stderr.write(`warning: ${warning}\n`);
    print([result], (hold) => `held: ${describe(hold)}`, { recorded: isRecorded, warnings });
  } else if (action === 'remove' && id && more.length === 0) {
    const { result, isRecorded } = await remove(place, id);
    print([result], (hold) => `no longer held: ${describe(hold)}`, { recorded: isRecorded });
  } else {
    throw new UsageError('audit hold wants add, list, or remove and the id of a hold');
  }
}

function list(dir: string): readonly Hold[] {
  requireLedger(dir);
  const file = readKeyFile(dir);
  // Nothing to list would be taken for nothing held.
  if (!file) throw noKeyFile(dir);
  try {
    return createHolds(file).list();
  } finally {
    file.close();
  }
}

function add(place: LedgerPlace, options: Options) {
  const reason = options.reason?.toWellFormed().trim() ?? '';
  const holds = heldThings(options);
  if (reason === '' || !holds) {
    const one = 'one of --user USER (perhaps with --issuer), --api API and --all';
    throw new UsageError(`audit hold add wants --reason TEXT, and ${one}`);
  }
  return changePeople(place, (file) => {
    const at = new Date().toISOString();
    const hold = createHolds(file).add({ at, reason, holds });
    return { result: hold, events: eventsOf(hold, 'add', createKeyStore(file).pseudonymsOf) };
  });
}

function remove(place: LedgerPlace, id: string) {
  return changePeople(place, (file) => {
    const hold = createHolds(file).remove(id);
    if (!hold)
      throw new AuditError('audit_refused', `there is no legal hold ${id}: see audit hold list`);
    return { result: hold, events: eventsOf(hold, 'remove', createKeyStore(file).pseudonymsOf) };
  });
}

function heldThings({ user, issuer, api, all }: Options): HeldThings | undefined {
  const given = [user, api, all === true ? 'all' : undefined].filter((it) => it !== undefined);
  if (given.length !== 1 || (issuer !== undefined && user === undefined)) return undefined;
  if (user !== undefined)
    return { kind: 'user', user, ...(issuer === undefined ? {} : { issuer }) };
  return api === undefined ? { kind: 'all' } : { kind: 'api', api };
}

/** A person is named by pseudonyms only: the record outlives what they lead to. */
function eventsOf(
  { id, reason, holds }: Hold,
  action: 'add' | 'remove',
  pseudonymsOf: (user: string, issuer?: string) => readonly string[],
): readonly NewEvent[] {
  const detail = JSON.stringify({ action, id, of: holds.kind, reason, by: accountName() });
  const people = holds.kind === 'user' ? pseudonymsOf(holds.user, holds.issuer) : [];
  const whose = people.length === 0 ? [{}] : people.map((who) => ({ who }));
  const api = holds.kind === 'api' ? { api: holds.api } : {};
  return whose.map((who) => ({ kind: 'hold', fields: { ...who, ...api, detail } }));
}

/** A hold may come before the first request; more often the name is mistyped. */
function warningsOf(dir: string, { holds }: Hold): readonly string[] {
  if (holds.kind === 'all' || isSeen(dir, holds)) return [];
  return [`no record is of ${named(holds)} so far: the hold is kept, and covers what may come`];
}

function isSeen(dir: string, holds: Exclude<HeldThings, { kind: 'all' }>): boolean {
  if (holds.kind === 'api') return countRecords(dir, { api: holds.api, kinds: SEEN }, 1) > 0;
  const names = openNames(dir);
  try {
    // The first format names people in clear.
    const people = names.pseudonymsOf(holds.user, holds.issuer);
    return countRecords(dir, { people, kinds: SEEN }, 1) > 0;
  } finally {
    names.close();
  }
}

function describe({ id, at, reason, holds }: Hold): string {
  return `${id} ${named(holds)} since ${at}: ${reason}`;
}

function named(holds: HeldThings): string {
  if (holds.kind === 'all') return 'everything';
  if (holds.kind === 'api') return `api ${holds.api}`;
  return holds.issuer === undefined
    ? `user ${holds.user}`
    : `user ${holds.user} of ${holds.issuer}`;
}
