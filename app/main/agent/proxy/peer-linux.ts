import type { Ends, PeerFinder, PeerTool, Verdict } from './peer-finder.ts';
import { createHolderFinder } from './peer-holder.ts';
import { createRowFinder, type ConnectionRows } from './peer-rows.ts';

/** The tables change while they are read, so that a row may be passed over. */
const TRIES = 3;
const PROCESS_HELD = new Set(['01', '04', '05', '08', '09', '0B']);

/**
 * Looks up the other end in `/proc/net/tcp` and `tcp6`, which show every user's sockets to every user.
 *
 * @param procDir `/proc`
 * @param ownUid the user that counts as own. Root isn't, unless the agent is root's: what runs as root
 *   (a container's port forwarder, a web server) may well speak for somebody else
 * @returns the lookup
 * @see proc_net_tcp in the Linux kernel's documentation
 */
export function createLinuxFinder(procDir: string, ownUid: number): PeerFinder {
  const findRows = createRowFinder(procDir);
  const findHolder = createHolderFinder(procDir, ownUid);

  async function look(ends: Ends): Promise<{ verdict: Verdict; inode?: string }> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const rows = await findRows(ends);
      const verdict = judge(rows, ends.inode, ownUid);
      if (verdict) return { verdict, ...(rows.theirs ? { inode: rows.theirs.inode } : {}) };
      if (ends.isOver()) return { verdict: { kind: 'unknown', why: 'left' } };
    }
    return { verdict: { kind: 'unknown', why: 'unseen' } };
  }

  async function toolOf(looked: ReturnType<typeof look>, ends: Ends): Promise<PeerTool> {
    const { verdict, inode = '0' } = await looked;
    if (verdict.kind !== 'own' || inode === '0') return {};
    return findHolder(inode, ends.isOver);
  }

  return (ends) => {
    const looked = look(ends);
    return { verdict: looked.then(({ verdict }) => verdict), tool: toolOf(looked, ends) };
  };
}

function judge(
  { ours, theirs }: ConnectionRows,
  inode: string | undefined,
  ownUid: number,
): Verdict | undefined {
  if (!ours || !theirs) return undefined;
  // Once a client has reset its connection, its port is free for the next program: what stands under
  // these ends now may be somebody else's, unless our end is still the one that was accepted.
  if (ours.inode !== inode) return { kind: 'unknown', why: 'left' };
  // What no process holds any more is listed as root's, whose ever it was.
  const isLeft = theirs.inode === '0' && theirs.uid === 0;
  if (isLeft || !PROCESS_HELD.has(theirs.state)) return { kind: 'unknown', why: 'left' };
  return { kind: theirs.uid === ownUid ? 'own' : 'other', uid: theirs.uid };
}
