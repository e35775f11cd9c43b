import { fstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Ends, Finding, PeerFinder, PeerTool, Verdict } from './peer-finder.ts';
import { createLinuxFinder } from './peer-linux.ts';
import { createLsofFinder } from './peer-lsof.ts';

/** The program at the other end of one connection. */
export interface Peer {
  /** Whose it is: decided once a connection, never rejected. */
  readonly verdict: Promise<Verdict>;
  /** The verdict once it stands, so that later requests needn't wait. */
  known(): Verdict | undefined;
  /** What is known of the tool by now. */
  tool(): PeerTool;
  /** Settles when the tool is known, can't be, or has been looked for long enough to wait. */
  readonly ready: Promise<void>;
}

/** Knows the other ends of local connections. */
export interface Peers {
  /**
   * Begins to look at a connection; again for the same one, gives the same.
   *
   * @param socket as accepted: call this before anything else is awaited
   * @param via `file` for connections through a Unix socket or named pipe, whose own permissions have
   *   let in nobody but this user
   */
  of(socket: Socket, via?: 'tcp' | 'file'): Peer;
}

const unknown = (why: 'left' | 'platform'): Finding => ({
  verdict: Promise.resolve({ kind: 'unknown', why }),
  tool: Promise.resolve({}),
});

/**
 * Makes what tells who is at the other end of local connections. What is known of one is forgotten
 * with it: pids and ports are used again.
 *
 * @param options `readyMs`: how long `ready` may take; the rest for tests
 * @returns no connection looked at yet
 */
export function createPeers(
  options: {
    readonly platform?: NodeJS.Platform;
    readonly procDir?: string;
    readonly ownUid?: number;
    readonly lsof?: string;
    readonly readyMs?: number;
  } = {},
): Peers {
  const { platform = process.platform, ownUid = process.geteuid?.() ?? -1 } = options;
  const { procDir = '/proc', lsof = '/usr/sbin/lsof', readyMs = 50 } = options;
  const find = finderFor(platform, { procDir, lsof, ownUid });
  const peers = new WeakMap<Socket, Peer>();

  function look(socket: Socket): Finding {
    const ends = endsOf(socket);
    return ends === undefined ? unknown('left') : find(ends);
  }

  return {
    of(socket, via = 'tcp') {
      const seen = peers.get(socket);
      if (seen) return seen;
      const peer = via === 'file' ? FILE_PEER : createPeer(look(socket), readyMs);
      peers.set(socket, peer);
      return peer;
    },
  };
}

/**
 * Tells whether this system shows whose each connection is. Where it doesn't, `unknown` is no sign of
 * another user: Windows isn't asked, and macOS shows a user only that user's own.
 *
 * @param platform as in `process.platform`
 * @returns whether an `unknown` peer is to be refused
 */
export function canTell(platform: NodeJS.Platform): boolean {
  return platform === 'linux';
}

function finderFor(
  platform: NodeJS.Platform,
  { procDir, lsof, ownUid }: { procDir: string; lsof: string; ownUid: number },
): PeerFinder {
  if (platform === 'linux') return createLinuxFinder(procDir, ownUid);
  if (platform === 'darwin') return createLsofFinder(lsof, ownUid);
  return () => unknown('platform');
}

const FILE_PEER: Peer = {
  verdict: Promise.resolve({ kind: 'own' }),
  known: () => ({ kind: 'own' }),
  tool: () => ({}),
  ready: Promise.resolve(),
};

function createPeer(finding: Finding, readyMs: number): Peer {
  let known: Verdict | undefined;
  let tool: PeerTool = {};
  const ready = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, readyMs);
    void finding.tool.then((found) => {
      tool = found;
      clearTimeout(timer);
      resolve();
    });
  });
  return {
    verdict: finding.verdict.then((verdict) => (known = verdict)),
    known: () => known,
    tool: () => tool,
    ready,
  };
}

function endsOf(socket: Socket): Ends | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return {
    near: { address: localAddress, port: localPort },
    far: { address: remoteAddress, port: remotePort },
    inode: inodeOf(socket),
    isOver: () => socket.destroyed,
  };
}

/** Node has no public way to a socket's descriptor; without it no connection is taken for own. */
function inodeOf(socket: Socket): string | undefined {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) return undefined;
  try {
    return String(fstatSync(handle.fd).ino);
  } catch {
    return undefined;
  }
}
