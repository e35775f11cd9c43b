import type { Ledger } from '../../../audit/ledger.ts';
import type { AuditRecord } from '../../../audit/record.ts';

/** Who watches a ledger that is opened and closed. */
export interface ActivityFeed {
  /** The ledger to follow from now on; none while it is closed. */
  follow(ledger: Pick<Ledger, 'subscribe'> | undefined): void;
  /** Calls the listener with each new record; returns the unsubscriber. */
  listen(listener: (records: readonly AuditRecord[]) => void): () => void;
}

/**
 * Makes the feed. Records are restored for listeners only: without a window nobody looks, and each request
 * would pay for it.
 *
 * @returns the feed, without ledger and listeners
 */
export function createActivityFeed(): ActivityFeed {
  const listeners = new Set<(records: readonly AuditRecord[]) => void>();
  let ledger: Pick<Ledger, 'subscribe'> | undefined;
  let stop: (() => void) | undefined;

  function update(): void {
    const isWanted = listeners.size > 0;
    if (!isWanted) {
      stop?.();
      stop = undefined;
    } else
      stop ??= ledger?.subscribe((records) => {
        for (const listener of listeners) listener(records);
      });
  }

  return {
    follow(next) {
      stop?.();
      stop = undefined;
      ledger = next;
      update();
    },
    listen(listener) {
      listeners.add(listener);
      update();
      return () => {
        listeners.delete(listener);
        update();
      };
    },
  };
}
