import { execFile } from 'node:child_process';
import type { Ends, Finding, PeerFinder, PeerTool, Verdict } from './peer-finder.ts';
import { programName } from './peer-name.ts';

/** One socket that lsof lists. */
export interface ListedSocket {
  /** `near->far`, as lsof writes it. */
  readonly ends: string;
  readonly pid: number;
  readonly uid: number | undefined;
  readonly name: string;
}

const LIMITS = { timeout: 2_000, maxBuffer: 4 * 1024 * 1024 };

/**
 * Looks up the other end with lsof, for macOS: there it shows a user no other user's sockets, so that
 * it names tools and can't tell who else is there. Never run on macOS so far; its reading of lsof's
 * output is tested on Linux.
 *
 * @param lsof lsof's absolute path
 * @param ownUid the user that counts as own
 * @returns the lookup; what runs at the same time shares one lsof
 */
export function createLsofFinder(lsof: string, ownUid: number): PeerFinder {
  let waiting: ((sockets: readonly ListedSocket[]) => void)[] = [];
  let isRunning = false;

  async function runOn(port: number): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const served = waiting;
      waiting = [];
      const sockets = await listed(lsof, port);
      for (const done of served) done(sockets);
    }
    isRunning = false;
  }

  const sockets = (port: number): Promise<readonly ListedSocket[]> =>
    new Promise((done) => {
      waiting.push(done);
      if (!isRunning) void runOn(port);
    });

  return (ends): Finding => {
    const looked = sockets(ends.near.port).then((all) => {
      const theirs = `${textOf(ends.far)}->${textOf(ends.near)}`;
      return all.find((socket) => socket.ends === theirs);
    });
    return {
      verdict: looked.then((socket) => judge(socket, ownUid)),
      tool: looked.then((socket) => toolOf(socket, ownUid)),
    };
  };
}

function judge(socket: ListedSocket | undefined, ownUid: number): Verdict {
  if (socket?.uid === undefined) return { kind: 'unknown', why: 'platform' };
  return { kind: socket.uid === ownUid ? 'own' : 'other', uid: socket.uid };
}

function toolOf(socket: ListedSocket | undefined, ownUid: number): PeerTool {
  if (socket?.uid !== ownUid) return {};
  return { pid: socket.pid, ...(socket.name ? { name: socket.name } : {}) };
}

function textOf({ address, port }: Ends['near']): string {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

function listed(lsof: string, port: number): Promise<readonly ListedSocket[]> {
  const args = ['-nPw', '+c0', `-iTCP:${port}`, '-sTCP:ESTABLISHED', '-Fpcun'];
  return new Promise((resolve) => {
    // Its exit code is 1 when it finds nothing; what it printed counts.
    execFile(lsof, args, { ...LIMITS, env: {} }, (_error, stdout) => resolve(readListing(stdout)));
  });
}

/**
 * Reads lsof's field output: `p`, `c` and `u` of a process, then an `n` for each of its sockets.
 *
 * @param listing what `lsof -Fpcun` printed
 * @returns the sockets
 */
export function readListing(listing: string): readonly ListedSocket[] {
  const sockets: ListedSocket[] = [];
  let holder = { pid: 0, uid: undefined as number | undefined, name: '' };
  for (const line of listing.split('\n')) {
    const value = line.slice(1);
    if (line.startsWith('p')) holder = { pid: Number(value), uid: undefined, name: '' };
    if (line.startsWith('u')) holder = { ...holder, uid: Number(value) };
    if (line.startsWith('c')) holder = { ...holder, name: programName(value, '') };
    if (line.startsWith('n')) sockets.push({ ends: value, ...holder });
  }
  return sockets;
}
