import type { SealedRecord } from './chain.ts';
import type { AuditKind, AuditRecord } from './record.ts';

/** Hears of records, in order, after their commit. */
export type Listener = (records: readonly AuditRecord[]) => void;

/** Those who hear of a ledger's commits. */
export interface Listeners {
  /**
   * @param listener called within the commit's turn
   * @param kinds the only ones that it hears of; all without them
   * @returns the unsubscriber
   */
  add(listener: Listener, kinds?: readonly AuditKind[]): () => void;
  tell(sealed: readonly SealedRecord[]): void;
}

/**
 * Makes an empty list. A record that nobody wants costs nothing, one that several want is restored once.
 *
 * @param restore makes a record of what was committed
 * @param onError told of what listeners throw
 * @returns the list
 */
export function createListeners(
  restore: (sealed: SealedRecord) => AuditRecord,
  onError: (error: unknown) => void,
): Listeners {
  const entries = new Set<{
    readonly listener: Listener;
    readonly kinds: ReadonlySet<AuditKind> | undefined;
  }>();
  return {
    add(listener, kinds) {
      const entry = { listener, kinds: kinds && new Set(kinds) };
      entries.add(entry);
      return () => {
        entries.delete(entry);
      };
    },
    tell(sealed) {
      const restored = new Map<SealedRecord, AuditRecord>();
      const once = (one: SealedRecord): AuditRecord => {
        const record = restored.get(one) ?? restore(one);
        restored.set(one, record);
        return record;
      };
      for (const { listener, kinds } of entries) {
        const wanted = kinds ? sealed.filter(({ content }) => kinds.has(content.kind)) : sealed;
        if (wanted.length === 0) continue;
        try {
          listener(wanted.map(once));
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
