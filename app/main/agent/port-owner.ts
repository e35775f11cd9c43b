import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

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
  const socket = ['tcp', 'tcp6']
    .flatMap((table) => listeners(`${procDir}/net/${table}`, port))
    .at(0);
  if (!socket) return undefined;
  const pid = holderOf(socket.inode, procDir);
  if (pid === undefined) return { uid: socket.uid };
  const name = programName(pid, procDir);
  return { uid: socket.uid, pid, ...(name ? { name } : {}) };
}

/** The command's own name: `comm` may be a thread's, as in Node 24 (`MainThread`). */
function programName(pid: number, procDir: string): string {
  const [command = ''] = read(`${procDir}/${pid}/cmdline`).split('\0');
  return command.split('/').at(-1) || read(`${procDir}/${pid}/comm`).trim();
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

/** The tables' columns: `sl local_address rem_address st … uid timeout inode`. */
function listeners(table: string, port: number): { inode: string; uid: number }[] {
  const found = [];
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of read(table).split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [, local, , state, , , , uid, , inode] = columns;
    if (local?.endsWith(suffix) && state === listening && inode) {
      found.push({ inode, uid: Number(uid) });
    }
  }
  return found;
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
