import { type Head, seal, type SealedRecord } from './chain.ts';
import { AuditError } from './errors.ts';
import { createOutage } from './outage.ts';
import type { AuditKind, AuditSide, RecordedFields } from './record.ts';
import type { Content } from './serialize.ts';
import type { Store } from './store.ts';
import { createUlids } from './ulid.ts';

const batchRecords = 1000;
const retryMs = 1000;
/** How long an outcome may wait for company. */
const lingerMs = 20;
/** An attempt that failed after a wait, on a lock for instance, is followed by this many times as long without one. */
const restFactor = 4;
const noWaitMs = 50;
const nobody = (): void => {};

/** What is to be recorded. */
export interface Draft {
  readonly kind: AuditKind;
  readonly fields: RecordedFields;
}

interface Waiting {
  readonly content: Content;
  /** Kept after a failure and written as soon as that is possible again. */
  readonly lasting: boolean;
  /** Called within the turn of the commit, before the writer hears of it. */
  readonly onCommit: (() => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: AuditError) => void;
}

/** Gathers the records of one turn of the event loop into one transaction. */
export interface CommitQueue {
  /**
   * Waits for a record to be committed.
   *
   * @throws {AuditError} `audit_unavailable`
   */
  add(kind: AuditKind, fields: RecordedFields, onCommit?: () => void): Promise<void>;
  /**
   * Takes a record that nobody waits for; it outlives failures until the queue is closed.
   *
   * @throws {AuditError} `audit_unavailable` when too many wait
   */
  addLasting(kind: AuditKind, fields: RecordedFields, onCommit: () => void): void;
  /** Commits at once, ahead of what waits. */
  writeNow(drafts: readonly Draft[]): void;
  /** Why the newest write failed; `undefined` when it did not. */
  problem(): string | undefined;
  /** How long the oldest record has waited; 0 when none waits. */
  lagMs(): number;
  /** Takes nothing more, and writes what waits. */
  close(): Promise<void>;
}

/**
 * Opens a queue in front of a store.
 *
 * @param deps `limit` bounds the records that wait; `onCommit` hears of each transaction's records
 * @returns the queue
 */
export function createCommitQueue(deps: {
  readonly store: Pick<Store, 'commit'>;
  readonly side: AuditSide;
  readonly limit: number;
  readonly now: () => number;
  readonly onCommit: (records: readonly SealedRecord[]) => void;
  readonly onError: (error: unknown) => void;
}): CommitQueue {
  const { store, side, limit, now, onError } = deps;
  const ulid = createUlids();
  let clock = { ms: Number.NaN, at: '' };
  let waiting: Waiting[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let retry: NodeJS.Timeout | undefined;
  let linger: NodeJS.Timeout | undefined;
  let failure: AuditError | undefined;
  let restsUntilMs = 0;
  let closed = false;
  const outage = createOutage(now);

  function content(kind: AuditKind, fields: RecordedFields): Content {
    const ms = now();
    if (clock.ms !== ms) clock = { ms, at: new Date(ms).toISOString() };
    return { id: ulid(ms), at: clock.at, kind, side, fields };
  }

  /** What nobody waits for goes along with what somebody waits for, or soon after. */
  function enqueue(entry: Waiting): void {
    waiting.push(entry);
    if (!entry.lasting || waiting.length >= batchRecords) schedule();
    else linger ??= setTimeout(schedule, lingerMs).unref();
  }

  function schedule(): void {
    scheduled ??= setImmediate(() => {
      scheduled = undefined;
      clearTimeout(linger);
      linger = undefined;
      flush();
    });
  }

  function flush(): void {
    const batch = waiting;
    waiting = batch.splice(batchRecords);
    // Behind all that waited, so that times rise.
    const gap = waiting.length === 0 ? outage.report() : undefined;
    const contents = batch.map((entry) => entry.content);
    if (gap) contents.push(content('gap', gap));
    if (contents.length === 0) return;
    try {
      const records = commit(contents);
      if (gap) outage.reported();
      for (const entry of batch) {
        entry.onCommit?.();
        entry.resolve();
      }
      deps.onCommit(records);
    } catch (error) {
      fail(batch, unavailable(error));
    }
    if (waiting.length > 0 && retry === undefined) schedule();
  }

  function commit(contents: readonly Content[]): readonly SealedRecord[] {
    const startedMs = performance.now();
    try {
      const sealed = store.commit((head) => sealAll(contents, head));
      failure = undefined;
      return sealed;
    } catch (error) {
      const endedMs = performance.now();
      const tookMs = endedMs - startedMs;
      restsUntilMs = tookMs > noWaitMs ? endedMs + restFactor * tookMs : 0;
      failure = unavailable(error);
      throw failure;
    }
  }

  function fail(batch: readonly Waiting[], error: AuditError): void {
    onError(error);
    const kept = batch.filter((entry) => entry.lasting);
    for (const entry of batch) if (!entry.lasting) entry.reject(error);
    outage.failed(batch.length - kept.length);
    waiting = [...kept, ...waiting];
    // Even when nobody asks any more: who is not ready gets no requests, and would never be ready again.
    retry ??= setTimeout(() => {
      retry = undefined;
      schedule();
    }, retryMs);
    retry.unref();
  }

  function refuse(): AuditError | undefined {
    if (closed) return new AuditError('audit_unavailable', 'the audit is closed');
    if (failure && performance.now() < restsUntilMs) {
      outage.failed(1);
      return failure;
    }
    if (waiting.length < limit) return undefined;
    return new AuditError('audit_unavailable', `${limit} records wait to be written to the audit`);
  }

  return {
    add(kind, fields, onCommit) {
      return new Promise((resolve, reject) => {
        const refusal = refuse();
        if (refusal) {
          reject(refusal);
          return;
        }
        enqueue({ content: content(kind, fields), lasting: false, onCommit, resolve, reject });
      });
    },
    addLasting(kind, fields, onCommit) {
      // Each belongs to an admitted request, so that twice the limit is never reached in practice;
      // beyond it memory matters more, and the request will be found open at the next start.
      if (closed || waiting.length >= 2 * limit) {
        outage.lost();
        throw new AuditError('audit_unavailable', `${kind} of a request could not be recorded`);
      }
      enqueue({
        content: content(kind, fields),
        lasting: true,
        onCommit,
        resolve: nobody,
        reject: nobody,
      });
    },
    writeNow(drafts) {
      deps.onCommit(commit(drafts.map(({ kind, fields }) => content(kind, fields))));
    },
    problem: () => failure?.message,
    lagMs() {
      const oldest = waiting[0]?.content.at;
      return oldest === undefined ? 0 : Math.max(0, now() - Date.parse(oldest));
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      retry = undefined;
      clearTimeout(linger);
      clearImmediate(scheduled);
      for (let left = Infinity; waiting.length > 0 && waiting.length < left;) {
        left = waiting.length;
        flush();
      }
      if (outage.isDue) flush();
      clearTimeout(retry);
      clearImmediate(scheduled);
      if (waiting.length > 0) onError(new AuditError('audit_unavailable', lost(waiting.length)));
    },
  };
}

function lost(count: number): string {
  return `${count} outcomes could not be recorded; the next start marks them interrupted`;
}

function sealAll(contents: readonly Content[], head: Head): readonly SealedRecord[] {
  let previous = head;
  return contents.map((content) => {
    const sealed = seal(content, previous);
    previous = sealed;
    return sealed;
  });
}

function unavailable(error: unknown): AuditError {
  if (error instanceof AuditError && error.code === 'audit_unavailable') return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AuditError('audit_unavailable', `the audit can't be written: ${reason}`, {
    cause: error,
  });
}
