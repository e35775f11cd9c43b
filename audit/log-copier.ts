import { createHelperThread } from './helper-thread.ts';
import { threadFile } from './thread-file.ts';

/** Keeps a segment's write-ahead log short without holding up who writes it. */
export interface LogCopier {
  /** Hears how many pages a commit to this segment wrote, about. */
  wrote(path: string, pages: number): void;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/** 8 MiB: often enough for a log that is begun anew at 64, seldom enough not to be felt. */
const PAGES_AT_ONCE = 512;
/** A thread holds some 10 MiB, which nobody shall miss where little happens. */
const RESTS_MS = 60_000;

/**
 * Prepares the copier; its thread is started when there is something to copy.
 *
 * @param onError told when the thread ended by itself; the writer then copies the log, and is held up by it
 * @returns the copier
 */
export function createLogCopier(onError: (error: unknown) => void): LogCopier {
  const thread = createHelperThread({
    file: threadFile('log-copier-thread', import.meta.url),
    // It holds no more than a path.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
    restMs: RESTS_MS,
    onError,
  });
  let pages = 0;
  return {
    wrote(path, count) {
      pages += count;
      if (pages < PAGES_AT_ONCE || !thread.isFree()) return;
      pages = 0;
      thread.order(path);
    },
    close: thread.close,
  };
}
