import { resolve } from 'node:path';
import { recordOf, type SealedRecord } from './chain.ts';
import { createCheckpointer } from './checkpoint.ts';
import { createCommitQueue } from './commit-queue.ts';
import { AuditError } from './errors.ts';
import { recordable, recordableOutcome, repeatedInInterrupted } from './fields.ts';
import { createListeners, type Listeners } from './listeners.ts';
import { createLogCopier } from './log-copier.ts';
import { createOpenRequests } from './open-requests.ts';
import { type AuditPage, type AuditQuery, queryLedger } from './query.ts';
import type { AddressDetail } from './people/address.ts';
import { createPeople, type People } from './people/people.ts';
import type { AuditFields, AuditKind, AuditSide, RecordedFields } from './record.ts';
import { createIndexer } from './search/indexer.ts';
import type { RetentionPolicy } from './retention/policy.ts';
import { foundAtStart } from './start.ts';
import { createStore, type Durability, type Store } from './store.ts';
import { startUpkeep } from './upkeep.ts';

/** A request whose decision is committed and whose outcome is still to come. */
export interface OpenRecord {
  readonly requestId: string;
  /**
   * Writes the `outcome` record, once; later calls are ignored. Never throws: a failure to write
   * leaves the request open, and the next start marks it `interrupted`.
   */
  finish(outcome: AuditFields): void;
  /** Writes `interrupted` in place of an outcome: whoever was to finish it is gone. */
  interrupt(): void;
}

/** The tamper-evident ledger that both ends of Latchkey write. */
export interface Ledger {
  /**
   * Commits a `request` record. Writers in the same turn share one transaction.
   *
   * @throws {AuditError} `audit_unavailable` when it could not be committed
   */
  admit(fields: AuditFields & { readonly requestId: string }): Promise<OpenRecord>;
  /**
   * Takes a `request` record that nobody waits for: it is written soon, with others. While that fails
   * it is kept and tried again, like an outcome.
   *
   * @throws {AuditError} `audit_unavailable` when too many wait
   */
  note(fields: AuditFields & { readonly requestId: string }): OpenRecord;
  /**
   * Commits a record of any other kind.
   *
   * @throws {AuditError} `audit_unavailable`
   */
  append(kind: Exclude<AuditKind, 'request' | 'outcome'>, fields: AuditFields): Promise<void>;
  query(query: AuditQuery): AuditPage;
  /** Calls the listener after each commit, with the records in order; returns the unsubscriber. */
  subscribe: Listeners['add'];
  /** Whether the last write succeeded, for readiness; `head` is the newest seq, `lagMs` the age of what waits. */
  health(): {
    readonly ok: boolean;
    readonly head: number;
    readonly lagMs: number;
    readonly problem?: string;
  };
  /** Flushes, writes `stop` and a checkpoint, closes the files. */
  close(): Promise<void>;
}

/** How a ledger is opened. */
export interface LedgerOptions {
  /** The ledger's directory; made with mode 0700 when it is missing. */
  readonly dir: string;
  readonly side: AuditSide;
  /** The Ed25519 key that signs checkpoints, made when it is missing; default: `<dir>.key`. */
  readonly keyFile?: string;
  /** How often the head is signed, if it moved; default 60 s. */
  readonly checkpointMs?: number;
  /** After how many records the head is signed at the latest; default 10 000. */
  readonly checkpointRecords?: number;
  /** At how many records a new segment is begun; default 250 000. One is begun each UTC day too. */
  readonly segmentRecords?: number;
  /** How much of clients' addresses is recorded; default `full`. */
  readonly ip?: AddressDetail;
  /** How long records are kept, asked before each run of the daily job; without it, for good. */
  readonly retention?: () => RetentionPolicy;
  /** What a committed record outlives; default `process`. */
  readonly durability?: Durability;
  /** How long a foreign lock on the files may hold up the process; default 250 ms. */
  readonly busyTimeoutMs?: number;
  /** Lets threads of its own wait for the disk and index what was written, for a ledger with much to write; default false. */
  readonly usesThreads?: boolean;
  /** Lets a thread of its own wait for the disk, even without the others; default as `usesThreads`. */
  readonly copiesLogAside?: boolean;
  /** How many records may wait to be written before new requests are refused; default 10 000. */
  readonly queueRecords?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Told of what no caller hears of: lost outcomes, checkpoints that could not be written. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Opens a ledger for writing. Marks what an earlier process left open as `interrupted`, then writes
 * `start` and a checkpoint.
 *
 * @param options where and how
 * @returns the ledger
 * @throws {AuditError} `audit_locked` while another process writes it; `audit_tampered` when its end
 *   is not what was written; `audit_config` for a key that can't be used; `audit_unavailable`
 */
export function createLedger(options: LedgerOptions): Ledger {
  const { dir, side, now = Date.now, onError = () => {} } = options;
  const { checkpointMs = 60_000, checkpointRecords = 10_000 } = options;
  const open = createOpenRequests();
  const { store, copier, indexer } = openFiles(options, open.list);
  const people = openPeople(options, store);
  const queue = createCommitQueue({
    store: {
      commit: (draft) =>
        store.commit((head) => {
          people.save();
          return draft(head);
        }),
    },
    side,
    now,
    onError,
    limit: options.queueRecords ?? 10_000,
    onCommit: committed,
  });
  const listeners = createListeners((sealed) => people.reveal(recordOf(sealed)), onError);
  let closed = false;
  let signed = 0;
  let checkpoint = () => {};
  let checkpointMeanwhile = () => {};

  function committed(sealed: readonly SealedRecord[]): void {
    listeners.tell(sealed);
    if (store.head().seq - signed >= checkpointRecords) checkpointMeanwhile();
  }

  function attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      onError(error);
    }
  }

  /** Counts as open from the commit of its decision to that of its outcome. */
  function createLife(fields: RecordedFields) {
    let request: ReturnType<typeof open.add> | undefined;
    return {
      begins(): void {
        request = open.add(fields);
      },
      ends(): void {
        if (request !== undefined) open.remove(request);
      },
    };
  }

  function opened(requestId: string, fields: RecordedFields, ends: () => void): OpenRecord {
    let finished = false;
    const end = (kind: 'outcome' | 'interrupted', closing: () => RecordedFields): void => {
      if (finished) return;
      finished = true;
      attempt(() => queue.addLasting(kind, closing(), ends));
    };
    return {
      requestId,
      finish(outcome) {
        end('outcome', () => recordableOutcome(outcome, fields));
      },
      interrupt() {
        end('interrupted', () => repeatedInInterrupted(fields));
      },
    };
  }

  function begin(): void {
    const checkpointer = createCheckpointer({
      dir,
      keyFile: options.keyFile ?? `${resolve(dir)}.key`,
      now,
    });
    const { last } = checkpointer;
    const head = store.head();
    if (last && (last.seq > head.seq || (last.seq === head.seq && last.hash !== head.hash))) {
      throw new AuditError(
        'audit_tampered',
        `the audit in ${dir} ends at record ${head.seq}, but its checkpoint shows record ${last.seq}: ` +
          'run audit verify, keep the directory as evidence and start with an empty one',
      );
    }
    checkpoint = () => {
      attempt(() => {
        store.sync();
        checkpointer.write(store.head());
        signed = store.head().seq;
      });
    };
    let isUnderWay = false;
    checkpointMeanwhile = () => {
      if (isUnderWay) return;
      isUnderWay = true;
      // What it says must not be lost when what it is said of is not.
      const said = store.head();
      store
        .syncMeanwhile()
        .then(async () => {
          if (closed) return;
          signed = said.seq;
          await checkpointer.writeMeanwhile(said);
        })
        .catch(onError)
        .finally(() => {
          isUnderWay = false;
        });
    };
    const found = foundAtStart({ dir, store, people, onError });
    queue.writeNow(found.records);
    found.recorded();
    checkpoint();
  }

  try {
    begin();
  } catch (error) {
    store.close();
    people.close();
    void copier?.close();
    void indexer?.close();
    throw error;
  }
  const timer = setInterval(() => checkpointMeanwhile(), checkpointMs);
  timer.unref();
  const upkeep = startUpkeep({
    dir,
    people,
    policy: options.retention,
    isAside: options.usesThreads === true,
    append: queue.add,
    now,
    onError,
  });

  return {
    async admit(given) {
      const fields = people.seal(recordable(given));
      const { begins, ends } = createLife(fields);
      await queue.add('request', fields, begins);
      return opened(given.requestId, fields, ends);
    },
    note(given) {
      const fields = people.seal(recordable(given));
      const { begins, ends } = createLife(fields);
      queue.addLasting('request', fields, begins);
      return opened(given.requestId, fields, ends);
    },
    async append(kind, fields) {
      await queue.add(kind, people.seal(recordable(fields)));
    },
    query: (query) => queryLedger(dir, query),
    subscribe: listeners.add,
    health() {
      const problem = queue.problem();
      const figures = { head: store.head().seq, lagMs: queue.lagMs() };
      return problem === undefined
        ? { ok: !closed, ...figures }
        : { ok: false, ...figures, problem };
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      await upkeep.close();
      await queue.close();
      await Promise.all([copier?.close(), indexer?.close()]);
      attempt(() => queue.writeNow([{ kind: 'stop', fields: {} }]));
      checkpoint();
      store.close();
      people.close();
    },
  };
}

function openPeople(options: LedgerOptions, store: Pick<Store, 'close'>): People {
  const { dir, ip = 'full', now = Date.now, busyTimeoutMs = 250, onError = () => {} } = options;
  try {
    return createPeople({ dir, ip, now, busyTimeoutMs, onError });
  } catch (error) {
    store.close();
    throw error;
  }
}

/** The files, and the threads beside them. */
function openFiles(options: LedgerOptions, open: () => readonly AuditFields[]) {
  const { dir, now = Date.now, onError = () => {} } = options;
  const { usesThreads = false, copiesLogAside = usesThreads } = options;
  const copier = copiesLogAside ? createLogCopier(onError) : undefined;
  const indexer = usesThreads ? createIndexer(dir, onError) : undefined;
  const store = createStore({
    dir,
    copier,
    indexer,
    segmentRecords: options.segmentRecords ?? 250_000,
    busyTimeoutMs: options.busyTimeoutMs ?? 250,
    durability: options.durability ?? 'process',
    now,
    open,
  });
  return { store, copier, indexer };
}
