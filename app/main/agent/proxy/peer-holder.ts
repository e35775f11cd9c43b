import { open, readdir, readlink, stat } from 'node:fs/promises';
import type { PeerTool } from './peer-finder.ts';
import { programName } from './peer-name.ts';

/** Links read at once: few, since DNS and files wait for the same threads. */
const AT_ONCE = 8;
/** How long one walk over the processes may take. */
const WALK_MS = 2_000;
/** Programs that connected lately are asked first: tools that open many connections are found at once. */
const RECENT = 8;
const COMMAND_LINE_BYTES = 4096;

interface Search {
  readonly isOver: () => boolean;
  readonly done: (pid: number | undefined) => void;
}

/**
 * Finds the process that holds a socket among those of one user, newest first. One walk serves all
 * that look at the same time.
 *
 * @param procDir `/proc`
 * @param ownUid whose processes are named
 * @returns the tool that holds a socket's inode; empty when there is none, or `isOver` first
 */
export function createHolderFinder(
  procDir: string,
  ownUid: number,
): (inode: string, isOver: () => boolean) => Promise<PeerTool> {
  const searches = new Map<string, Search>();
  let recent: readonly number[] = [];
  let isWalking = false;

  function settle(inode: string, pid?: number): void {
    searches.get(inode)?.done(pid);
    searches.delete(inode);
  }

  function dropWhatIsOver(): void {
    for (const [inode, { isOver }] of searches) if (isOver()) settle(inode);
  }

  async function ask(pid: number): Promise<void> {
    for await (const inode of socketsOf(`${procDir}/${pid}`)) {
      if (!searches.has(inode) || !(await isOwn(pid))) continue;
      recent = [pid, ...recent.filter((other) => other !== pid)].slice(0, RECENT);
      settle(inode, pid);
    }
  }

  async function isOwn(pid: number): Promise<boolean> {
    const { uid } = await stat(`${procDir}/${pid}`).catch(() => ({ uid: undefined }));
    return uid === ownUid;
  }

  async function askAll(pids: Iterable<number>): Promise<void> {
    const untilMs = performance.now() + WALK_MS;
    for (const pid of pids) {
      dropWhatIsOver();
      if (searches.size === 0 || performance.now() > untilMs) return;
      await ask(pid);
    }
  }

  async function walk(): Promise<void> {
    await askAll(recent);
    if (searches.size > 0) await askAll(await processes(procDir));
  }

  async function walkOn(): Promise<void> {
    isWalking = true;
    while (searches.size > 0) {
      // Who comes during a walk has seen part of it only, and stays for the next one.
      const present = [...searches.keys()];
      await walk();
      for (const inode of present) settle(inode);
    }
    isWalking = false;
  }

  return async (inode, isOver) => {
    const pid = await new Promise<number | undefined>((done) => {
      searches.set(inode, { isOver, done });
      if (!isWalking) void walkOn();
    });
    if (pid === undefined) return {};
    const name = await nameOf(`${procDir}/${pid}`);
    return { pid, ...(name ? { name } : {}) };
  };
}

/** Newest first, but where the numbers have begun again. */
async function processes(procDir: string): Promise<readonly number[]> {
  const names = (await list(procDir)).filter((name) => /^\d+$/.test(name));
  return names.map(Number).toSorted((a, b) => b - a);
}

async function* socketsOf(processDir: string): AsyncGenerator<string> {
  const names = await list(`${processDir}/fd`);
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE);
    const links = await Promise.all(some.map((name) => linkOf(`${processDir}/fd/${name}`)));
    for (const link of links) {
      if (link.startsWith('socket:[')) yield link.slice('socket:['.length, -1);
    }
  }
}

async function nameOf(processDir: string): Promise<string> {
  const [executable, commandLine] = await Promise.all([
    linkOf(`${processDir}/exe`),
    startOf(`${processDir}/cmdline`),
  ]);
  return programName(executable, commandLine);
}

async function startOf(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(COMMAND_LINE_BYTES));
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

const list = (dir: string): Promise<string[]> => readdir(dir).catch(() => []);

const linkOf = (path: string): Promise<string> => readlink(path).catch(() => '');
