import { AuditError } from './errors.ts';
import { repeatedInInterrupted } from './fields.ts';
import { forgery } from './people/event-seal.ts';
import type { People } from './people/people.ts';
import type { AuditKind, RecordedFields } from './record.ts';
import type { Store } from './store.ts';

/** What a start records before anything else. */
interface Found {
  readonly records: readonly { readonly kind: AuditKind; readonly fields: RecordedFields }[];
  /** They are committed: what they tell of is put in order. */
  recorded(): void;
}

/**
 * Looks at what happened to a ledger while nobody wrote it.
 *
 * @param deps the ledger's directory, its files and people; `onError` is told of what somebody else did to them
 * @returns what to record: requests that were left open as `interrupted`, the start, guards that were removed, and what
 *   other processes noted
 */
export function foundAtStart(deps: {
  readonly dir: string;
  readonly store: Pick<Store, 'leftOpen' | 'unguarded' | 'restoreGuards'>;
  readonly people: Pick<People, 'seal' | 'events' | 'recorded'>;
  readonly onError: (error: unknown) => void;
}): Found {
  const { dir, store, people, onError } = deps;
  const { unguarded } = store;
  const interrupted = store.leftOpen.map((fields) => ({
    kind: 'interrupted' as const,
    // An earlier version wrote down who it was.
    fields: people.seal(repeatedInInterrupted(fields)),
  }));
  const removed = unguarded === undefined ? [] : [forgery(1, unguarded)];
  const events = people.events();
  return {
    records: [...interrupted, { kind: 'start', fields: {} }, ...removed, ...events],
    recorded() {
      for (const event of events) people.recorded(event);
      if (unguarded === undefined) return;
      store.restoreGuards();
      onError(new AuditError('audit_tampered', `${dir}: ${unguarded}; they are back`));
    },
  };
}
