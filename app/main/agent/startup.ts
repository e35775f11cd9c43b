import type { Ledger } from '../../../audit/ledger.ts';
import type { ShutDoor } from './proxy/doors.ts';
import type { ApiPort, Proxy } from './proxy/proxy-deps.ts';
import { join } from 'node:path';
import { AuditError } from '../../../audit/errors.ts';
import { createLedger } from '../../../audit/ledger.ts';
import { AgentError } from './errors.ts';
import { describeOwner, findPortOwner, nextFreePort } from './port-owner.ts';

/** Something that was opened and must be closed. */
export interface Closable {
  close(): Promise<void>;
}

/** Something with an audit of its own. */
interface Audited {
  /** @throws {AgentError} `already_running`, `audit_unavailable` */
  openAudit(): Ledger;
}

/**
 * Opens the audit of each profile. One that cannot be opened does not stop the others; when another agent
 * writes it, or when it is the last one, nothing can go on.
 *
 * @param profiles at least one
 * @param opened gets each ledger
 * @returns the first one that is open
 * @throws {AgentError} `already_running`, `audit_unavailable`
 */
export function openAudits(profiles: readonly Audited[], opened: Closable[]): Ledger {
  const failures: unknown[] = [];
  const ledgers = profiles.flatMap((profile) => {
    try {
      const ledger = profile.openAudit();
      opened.push(ledger);
      return [ledger];
    } catch (error) {
      if (error instanceof AgentError && error.code === 'already_running') throw error;
      failures.push(error);
      return [];
    }
  });
  const [first] = ledgers;
  if (first === undefined) throw failures[0];
  return first;
}

/**
 * Opens control socket and local port, in this order, noting each in `opened`.
 *
 * @param parts how to open each
 * @param opened gets each part as it opens, so that a failure half-way can be undone
 * @returns the bound ports, and why doors beside them are shut
 * @throws {AgentError} `already_running`, `port_in_use`
 */
export async function openParts(
  parts: {
    readonly openControl: () => Promise<Closable>;
    readonly createProxy: () => Proxy;
    readonly port: number;
  },
  opened: Closable[],
): Promise<{
  readonly proxy: Proxy;
  readonly port: number;
  readonly profilePorts: ReadonlyMap<string, number>;
  readonly apiPorts: readonly ApiPort[];
  readonly faults: readonly DoorFault[];
}> {
  opened.push(await parts.openControl());
  const proxy = parts.createProxy();
  opened.push(proxy);
  try {
    const { shut, ...ports } = await proxy.listen();
    return { proxy, ...ports, faults: await Promise.all(shut.map(doorFault)) };
  } catch (error) {
    throw await portFault(error, parts.port);
  }
}

/**
 * Closes parts in the reverse of the order in which they were opened; one that fails doesn't stop the others.
 *
 * @param opened the parts; empty afterwards
 * @param onError told of each failure
 */
export async function closeParts(
  opened: Closable[],
  onError: (error: unknown) => void,
): Promise<void> {
  for (const part of opened.splice(0).toReversed()) await part.close().catch(onError);
}

/**
 * Opens the local audit of this data directory.
 *
 * @param dataDir absolute path
 * @param now epoch ms
 * @param onError told of what no caller hears of
 * @param retentionDays for how long records are kept; asked daily
 * @returns the ledger
 * @throws {AgentError} `already_running` when another agent writes it, else `audit_unavailable`
 */
export function openLocalAudit(
  dataDir: string,
  now: () => number,
  onError: (error: unknown) => void,
  retentionDays: () => number,
): Ledger {
  try {
    const retention = () => ({ defaultMs: retentionDays() * 86_400_000, apis: {} });
    return createLedger({
      dir: join(dataDir, 'audit'),
      side: 'app',
      now,
      onError,
      retention,
      copiesLogAside: true,
    });
  } catch (error) {
    if (error instanceof AuditError && error.code === 'audit_locked') {
      throw new AgentError(
        'already_running',
        'Latchkey is already running with this data directory. Use the running one, or quit it first.',
        { cause: error },
      );
    }
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new AgentError(
      'audit_unavailable',
      `The local audit in ${join(dataDir, 'audit')} cannot be opened: ${reason}`,
      { cause: error },
    );
  }
}

/**
 * Says that nothing is recorded, so that nothing is relayed.
 *
 * @returns `audit_unavailable`
 */
export function auditShut(): AgentError {
  return new AgentError('audit_unavailable', 'The local audit is not open.');
}

/** Why a door is shut, and whose it is. */
export interface DoorFault {
  readonly profile?: string | undefined;
  readonly fault: unknown;
}

/** The rest goes on without it. */
async function doorFault({ port, profile, setting, error }: ShutDoor): Promise<DoorFault> {
  if (port !== undefined) {
    const where = setting === undefined ? SHARED : `\`${setting}\``;
    return { profile, fault: await portFault(error, port, where) };
  }
  const reason = error instanceof Error ? error.message : 'unknown';
  const fault = new AgentError('port_in_use', `The socket for tools cannot be opened: ${reason}`, {
    cause: error,
  });
  return { fault };
}

/** How the port is set that all share. */
const SHARED = '--port or `port`';

async function portFault(error: unknown, port: number, setting = SHARED): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES') {
    return new AgentError(
      'port_in_use',
      `The system does not let Latchkey use port ${port}. Choose another one with ${setting} in settings.json.`,
      { cause: error },
    );
  }
  if (code !== 'EADDRINUSE') return error;
  const free = await nextFreePort(port);
  const offer = free === undefined ? 'another port' : `port ${free}, which is free,`;
  return new AgentError(
    'port_in_use',
    `Port ${port} is taken by ${describeOwner(findPortOwner(port))}. Close that program, or set ${offer} with ${setting} in settings.json.`,
    { cause: error },
  );
}
