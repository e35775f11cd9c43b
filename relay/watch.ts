import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Watches some files until it is closed. */
export interface FileWatch {
  /** Watches these from now on. */
  update(files: readonly string[]): void;
  close(): void;
}

/** How soon changes are noticed. */
export interface WatchTiming {
  /** Between two looks where the system reports nothing, as on network file systems. */
  readonly pollMs: number;
  /** How long files must stay as they are: editors and copies write in several steps. */
  readonly settleMs: number;
}

const defaults: WatchTiming = { pollMs: 2_000, settleMs: 200 };

/** Changes with content, replacement and permissions; links are followed, so that a swapped one shows. */
async function printOf(file: string): Promise<string> {
  try {
    const { ino, size, mode, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [file, ino, size, mode, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return `${file} ${(error as NodeJS.ErrnoException).code}`;
  }
}

/**
 * Reports when any of some files changed, and is whole again. Directories are watched rather than
 * files: editors replace files by renaming, and mounted secrets are swapped by a link beside them.
 *
 * @param files absolute paths
 * @param changed called after the files have settled, never twice at once for one change
 * @param timing how soon; the defaults suit production
 * @returns the watch
 */
export function watchFiles(
  files: readonly string[],
  changed: () => void,
  timing: Partial<WatchTiming> = {},
): FileWatch {
  const { pollMs, settleMs } = { ...defaults, ...timing };
  const watchers = new Map<string, FSWatcher>();
  let watched = files;
  let known: string | undefined;
  /** What differs from `known`, and has still to settle. */
  let unsettled: { readonly print: string; readonly sinceMs: number } | undefined;
  let looking = false;
  let soon: NodeJS.Timeout | undefined;
  let closed = false;

  function lookSoon(): void {
    if (closed) return;
    // Not put off by further events: a busy directory would never be looked at.
    soon ??= setTimeout(() => {
      soon = undefined;
      void look();
    }, settleMs);
    soon.unref();
  }

  async function look(): Promise<void> {
    if (looking || closed) return;
    looking = true;
    const list = watched;
    const print = (await Promise.all(list.map(printOf))).join('\n');
    looking = false;
    if (list !== watched) return lookSoon();
    judge(print);
    return undefined;
  }

  function judge(print: string): void {
    if (closed || known === undefined || print === known) {
      known ??= print;
      unsettled = undefined;
      return;
    }
    if (print !== unsettled?.print) unsettled = { print, sinceMs: performance.now() };
    if (performance.now() - unsettled.sinceMs < settleMs) return lookSoon();
    known = print;
    unsettled = undefined;
    changed();
    return undefined;
  }

  function watchDirectories(): void {
    const wanted = new Set(watched.map((file) => dirname(file)));
    for (const [directory, watcher] of watchers)
      if (!wanted.has(directory)) drop(directory, watcher);
    for (const directory of wanted) {
      if (watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, lookSoon);
        watcher.on('error', () => drop(directory, watcher));
        watchers.set(directory, watcher);
      } catch {
        // Out of watches, or no such directory yet: polling notices all the same, only later.
      }
    }
  }

  function drop(directory: string, watcher: FSWatcher): void {
    watcher.close();
    watchers.delete(directory);
  }

  watchDirectories();
  void look();
  const poll = setInterval(() => void look(), pollMs);
  poll.unref();
  return {
    update(next) {
      if (closed || next.join('\n') === watched.join('\n')) return;
      watched = next;
      // Other files have other prints: what they are now is what later looks are compared with.
      known = undefined;
      unsettled = undefined;
      watchDirectories();
      void look();
    },
    close() {
      closed = true;
      clearInterval(poll);
      clearTimeout(soon);
      for (const [directory, watcher] of watchers) drop(directory, watcher);
    },
  };
}
