import type { Writable } from 'node:stream';
import { AuditError } from './errors.ts';
import { createKeyStore } from './people/key-store.ts';
import { readKeyFile } from './people/key-file.ts';
import type { NewEvent } from './people/event-seal.ts';
import { changePeople, type LedgerPlace } from './people/registry.ts';
import { segmentsToRead } from './reader.ts';
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

interface Options {
  readonly reason?: string | undefined;
  readonly user?: string | undefined;
  readonly issuer?: string | undefined;
  readonly api?: string | undefined;
  readonly all?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const usage =
  'audit hold add --reason TEXT (--user U [--issuer I] | --api A | --all), list, or remove ID';

/**
 * The command `audit hold`.
 *
 * @param place where the ledger lies
 * @param words `add`, `list`, or `remove` with the hold's id
 * @param options as given on the command line
 * @param stdout where to say what was done
 * @throws {AuditError} `audit_query` for bad usage; `audit_refused` for a hold that does not exist;
 *   `audit_config`
 */
export async function holdCommand(
  place: LedgerPlace,
  words: readonly string[],
  options: Options,
  stdout: Writable,
): Promise<void> {
  const [action, id, ...more] = words;
  const print = (
    holds: readonly Hold[],
    said: (hold: Hold) => string,
    isRecorded?: boolean,
  ): void => {
    const recorded = isRecorded === undefined ? {} : { recorded: isRecorded };
    if (options.json) stdout.write(`${JSON.stringify({ ok: true, holds, ...recorded })}\n`);
    else for (const hold of holds) stdout.write(`${said(hold)}\n`);
  };
  if (action === 'list' && id === undefined) {
    print(list(place.dir), describe);
  } else if (action === 'add' && id === undefined) {
    const { result, isRecorded } = await add(place, options);
    print([result], (hold) => `held: ${describe(hold)}`, isRecorded);
  } else if (action === 'remove' && id !== undefined && more.length === 0) {
    const { result, isRecorded } = await remove(place, id);
    print([result], (hold) => `no longer held: ${describe(hold)}`, isRecorded);
  } else {
    throw new AuditError('audit_query', usage);
  }
}

function list(dir: string): readonly Hold[] {
  segmentsToRead(dir);
  const file = readKeyFile(dir);
  try {
    return file ? createHolds(file).list() : [];
  } finally {
    file?.close();
  }
}

function add(place: LedgerPlace, options: Options) {
  const reason = options.reason?.toWellFormed().trim() ?? '';
  const holds = heldThings(options);
  if (reason === '' || !holds) throw new AuditError('audit_query', usage);
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
  const detail = JSON.stringify({ action, id, of: holds.kind, reason });
  const people = holds.kind === 'user' ? pseudonymsOf(holds.user, holds.issuer) : [];
  const whose = people.length === 0 ? [{}] : people.map((who) => ({ who }));
  const api = holds.kind === 'api' ? { api: holds.api } : {};
  return whose.map((who) => ({ kind: 'hold', fields: { ...who, ...api, detail } }));
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
