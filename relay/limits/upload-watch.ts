import type { UploadWatch, WatchUpload } from '../../wire/forward-plan.ts';
import { RelayError } from '../errors.ts';

/** Ends uploads that come too slowly. */
export interface UploadWatches {
  readonly watch: WatchUpload;
  close(): void;
}

interface Watched {
  bytes: number;
  sinceMs: number;
  /** Whether the upstream, not the client, is what is waited for. */
  isHeld: boolean;
  readonly cut: (error: Error) => void;
}

const SWEEP_MS = 1_000;

/**
 * Watches bodies on their way in. One timer looks at all of them each second, and runs only while
 * there are any.
 *
 * @param limits the least that a client must send, and over how long it is measured
 * @param now the clock, epoch ms
 * @returns the watch
 */
export function createUploadWatches(
  limits: { readonly bodyBytesPerSecond: number; readonly bodyGraceMs: number },
  now: () => number,
): UploadWatches {
  const watched = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  const least = (limits.bodyBytesPerSecond * limits.bodyGraceMs) / 1000;

  function look(one: Watched, nowMs: number): void {
    if (nowMs - one.sinceMs < limits.bodyGraceMs) return;
    if (one.bytes < least && !one.isHeld) {
      watched.delete(one);
      one.cut(new RelayError('too_slow', 'The body came too slowly; send it faster, or in parts.'));
      return;
    }
    one.bytes = 0;
    one.sinceMs = nowMs;
  }
  function sweep(): void {
    const nowMs = now();
    for (const one of watched) look(one, nowMs);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    watch(cut): UploadWatch {
      const one: Watched = { bytes: 0, sinceMs: now(), isHeld: false, cut };
      watched.add(one);
      timer ??= setInterval(sweep, SWEEP_MS).unref();
      return {
        progress(bytes) {
          one.bytes += bytes;
        },
        held(isHeld) {
          // Time that the upstream took is not the client's.
          if (one.isHeld && !isHeld) one.sinceMs = now();
          one.isHeld = isHeld;
        },
        end() {
          watched.delete(one);
        },
      };
    },
    close: () => clearInterval(timer),
  };
}
