import type { Ledger } from '../../../audit/ledger.ts';
import type { ShutDoor } from './proxy/doors.ts';
import type { Proxy } from './proxy/proxy-deps.ts';
import { join } from 'node:path';
import { AuditError } from '../../../audit/errors.ts';
import { createLedger } from '../../../audit/ledger.ts';
import { AgentError } from './errors.ts';
import { describeOwner, findPortOwner, nextFreePort } from './port-owner.ts';

/** Something that was opened and must be closed. */
export interface Closable {
  close(): Promise<void>;
}

/**
 * Opens audit, control socket and local port, in this order, noting each in `opened`.
 *
 * @param steps how to open each
 * @param opened gets each part as it opens, so that a failure half-way can be undone
 * @returns the ledger, the bound port, and why doors beside it are shut
 * @throws {AgentError} `audit_unavailable`, `already_running`, `port_in_use`
 */
export async function openParts(
  steps: {
    readonly openAudit: () => Ledger;
    readonly openControl: () => Promise<Closable>;
    readonly createProxy: (ledger: Ledger) => Proxy;
    readonly port: number;
  },
  opened: Closable[],
): Promise<{
  readonly ledger: Ledger;
  readonly port: number;
  readonly faults: readonly unknown[];
}> {
  const ledger = steps.openAudit();
  opened.push(ledger);
  opened.push(await steps.openControl());
  const proxy = steps.createProxy(ledger);
  opened.push(proxy);
  try {
    const { port, shut } = await proxy.listen();
    return { ledger, port, faults: await Promise.all(shut.map(doorFault)) };
  } catch (error) {
    throw await portFault(error, steps.port);
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
 * @returns the ledger
 * @throws {AgentError} `already_running` when another agent writes it, else `audit_unavailable`
 */
export function openLocalAudit(
  dataDir: string,
  now: () => number,
  onError: (error: unknown) => void,
): Ledger {
  try {
    return createLedger({ dir: join(dataDir, 'audit'), side: 'app', now, onError });
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

/** The rest goes on without it. */
function doorFault({ port, error }: ShutDoor): Promise<unknown> {
  if (port !== undefined) return portFault(error, port);
  const reason = error instanceof Error ? error.message : 'unknown';
  return Promise.resolve(
    new AgentError('port_in_use', `The socket for tools cannot be opened: ${reason}`, {
      cause: error,
    }),
  );
}

async function portFault(error: unknown, port: number): Promise<unknown> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES') {
    return new AgentError(
      'port_in_use',
      `The system does not let Latchkey use port ${port}. Choose another one with --port or \`port\` in settings.json.`,
      { cause: error },
    );
  }
  if (code !== 'EADDRINUSE') return error;
  const free = await nextFreePort(port);
  const offer = free === undefined ? 'another port' : `port ${free}, which is free,`;
  return new AgentError(
    'port_in_use',
    `Port ${port} is taken by ${describeOwner(findPortOwner(port))}. Close that program, or set ${offer} with --port or \`port\` in settings.json.`,
    { cause: error },
  );
}
