import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { programName } from './proxy/peer-name.ts';
import { endsOf, readRow, SOCKET_TABLES, type SocketRow } from './socket-table.ts';

/** The process that holds a port, as far as the system tells this user. */
export interface PortOwner {
  readonly pid?: number;
  readonly name?: string;
  readonly uid: number;
}

/**
 * Finds who listens on a TCP port of this machine. Linux only; elsewhere, and for other users'
 * processes, the system doesn't tell without privilege.
 *
 * @param port the port
 * @param procDir `/proc`, for tests
 * @returns the owner; without `pid` when it belongs to somebody else; `undefined` when unknown
 */
export function findPortOwner(port: number, procDir = '/proc'): PortOwner | undefined {
  const socket = SOCKET_TABLES.flatMap((table) => listeners(`${procDir}/net/${table}`, port)).at(0);
  if (!socket) return undefined;
  const pid = holderOf(socket.inode, procDir);
  if (pid === undefined) return { uid: socket.uid };
  // Not `comm`, which may be a thread's, as in Node 24 (`MainThread`).
  const name = programName(linkOf(`${procDir}/${pid}/exe`), read(`${procDir}/${pid}/cmdline`));
  return { uid: socket.uid, pid, ...(name ? { name } : {}) };
}

/**
 * Puts an owner in words.
 *
 * @param owner what {@link findPortOwner} found
 * @returns such as `node (process 4711)`
 */
export function describeOwner(owner: PortOwner | undefined): string {
  if (!owner) return 'another program';
  if (owner.pid === undefined) return `a program of another user (uid ${owner.uid})`;
  return `${owner.name ?? 'a program'} (process ${owner.pid})`;
}

/**
 * Finds the next port that could be used instead.
 *
 * @param port the port that is taken
 * @returns one of the next 50 that is free on loopback, if any
 */
export async function nextFreePort(port: number): Promise<number | undefined> {
  for (let candidate = port + 1; candidate <= Math.min(port + 50, 65_535); candidate += 1) {
    if (await isFree(candidate)) return candidate;
  }
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

const listening = '0A';

function listeners(table: string, port: number): readonly SocketRow[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return read(table)
    .split('\n')
    .filter((line) => endsOf(line).includes(local))
    .flatMap((line) => readRow(line) ?? [])
    .filter(({ state }) => state === listening);
}

function holderOf(inode: string, procDir: string): number | undefined {
  for (const name of list(procDir)) {
    if (!/^\d+$/.test(name)) continue;
    const dir = `${procDir}/${name}/fd`;
    if (list(dir).some((fd) => linkOf(`${dir}/${fd}`) === `socket:[${inode}]`)) return Number(name);
  }
  return undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
