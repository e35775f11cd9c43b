import { existsSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { genesis, type Head, type SealedRecord } from './chain.ts';
import { makeDirectory, syncDirectory } from './directory.ts';
import { AuditError } from './errors.ts';
import { fileIdentity } from './file-identity.ts';
import { acquireLock, type WriterLock } from './lock.ts';
import type { LogCopier } from './log-copier.ts';
import { guardsGone, missingGuards, restoreGuards } from './guards.ts';
import { openingDigest, readOpening } from './opening.ts';
import { openReader } from './reader.ts';
import type { Indexer } from './search/indexer.ts';
import type { AuditFields } from './record.ts';
import {
  FORMAT,
  listSegments,
  openSegment,
  PAGE_BYTES,
  type Segment,
  type SegmentFile,
} from './segment.ts';
import { openRequests, verifyTail } from './tail.ts';

/** The writing side of a ledger's files. */
export interface Store {
  /** The newest committed record. */
  head(): Head;
  /**
   * Commits records, all or none. After a failure the files are opened anew at the next call.
   *
   * @param draft seals the records that follow the given head
   * @returns what was committed
   * @throws when they could not be committed
   */
  commit(draft: (head: Head) => readonly SealedRecord[]): readonly SealedRecord[];
  /** Makes the committed records durable against power loss as well. */
  sync(): void;
  /** The same, without holding up anybody. */
  syncMeanwhile(): Promise<void>;
  /** Requests that an earlier process left open. */
  readonly leftOpen: readonly AuditFields[];
  /** What to record of the newest segment when its guards were removed while nobody wrote it. */
  readonly unguarded: string | undefined;
  /** Puts them back: to be called once that is recorded. */
  restoreGuards(): void;
  close(): void;
}

/**
 * What a committed record outlives: the end of the process, however it ends (`process`), or the loss of
 * power as well (`power`).
 */
export type Durability = 'process' | 'power';

interface StoreOptions {
  readonly dir: string;
  readonly segmentRecords: number;
  readonly busyTimeoutMs: number;
  readonly durability: Durability;
  readonly now: () => number;
  /** Keeps the log of what is written short. */
  readonly copier?: Pick<LogCopier, 'wrote'> | undefined;
  /** Makes what is written quick to find. */
  readonly indexer?: Pick<Indexer, 'wrote'> | undefined;
  /** The requests that are open now: a new segment notes them, so that a restart finds them there. */
  readonly open: () => readonly AuditFields[];
}

/**
 * Opens a ledger's directory for writing, and makes it when it is missing.
 *
 * @param options where, and how large segments grow
 * @returns the store
 * @throws {AuditError} `audit_locked`, `audit_tampered`, `audit_config`
 */
export function createStore(options: StoreOptions): Store {
  const { dir, now, copier, indexer } = options;
  const isPowerSafe = options.durability === 'power';
  const opening = {
    busyTimeoutMs: options.busyTimeoutMs,
    isLogCopied: copier !== undefined,
    isPowerSafe,
  };
  let lock: WriterLock | undefined;
  let segment: Segment | undefined;
  let identity: string | undefined;
  let head = genesis;
  /** The newest hash of a batch whose commit failed: SQLite may have kept it after all. */
  let attempted: string | undefined;

  function use(opened: Segment): Segment {
    segment = opened;
    identity = fileIdentity(opened.path);
    return opened;
  }

  function begin(number: number): Segment {
    const info = { firstSeq: head.seq + 1, prev: head.hash, day: utcDay(now()) };
    const begun = openSegment(dir, number, { info, carried: options.open() }, opening);
    if (isPowerSafe) syncDirectory(dir);
    return use(begun);
  }

  function takeLock(): void {
    if (lock?.held()) return;
    lock?.release();
    lock = undefined;
    lock = acquireLock(dir);
  }

  function openNewest(): Segment | undefined {
    for (const file of listSegments(dir).toReversed()) {
      if (hasRecords(file)) return openSegment(dir, file.number, undefined, opening);
      // A crash or a full disk came before its first record, which would vouch for what stands in it.
      for (const suffix of ['', '-wal', '-shm']) rmSync(file.path + suffix, { force: true });
    }
    return undefined;
  }

  /** Continues the chain after a failure, whatever became of the files meanwhile. */
  function reopen(): Segment {
    // Perhaps a volume that is not mounted just now: what is made in its place would be lost in its shadow.
    if (!existsSync(dir)) {
      const message = `${dir} is gone: put it back, or make an empty directory in its place`;
      throw new AuditError('audit_unavailable', message);
    }
    takeLock();
    const newest = openNewest();
    if (!newest) return begin(1);
    const found = newest.head();
    const ours = found.hash === head.hash || found.hash === attempted;
    if (ours) {
      head = found;
      return use(newest);
    }
    newest.close();
    if (found.seq < head.seq) return begin(newest.number + 1);
    throw new AuditError(
      'audit_tampered',
      `the audit in ${dir} holds records that this process did not write: run audit verify`,
    );
  }

  function drop(): void {
    const failed = segment;
    segment = undefined;
    try {
      failed?.close();
    } catch {
      // The handle is of no more use; reopening will say what is wrong.
    }
  }

  function current(): Segment {
    if (segment && (identity === undefined || fileIdentity(segment.path) !== identity)) {
      drop();
      throw new AuditError('audit_unavailable', `${dir} lost the file that was being written`);
    }
    const usable = segment ?? reopen();
    const written = head.seq - usable.info.firstSeq + 1;
    const isDone = written >= options.segmentRecords || utcDay(now()) > usable.info.day;
    if (usable.format === FORMAT && (!isDone || written === 0)) return usable;
    const next = begin(usable.number + 1);
    usable.close();
    return next;
  }

  let leftOpen: readonly AuditFields[] = [];
  let unguarded: string | undefined;
  try {
    makeDirectory(dir, isPowerSafe);
    takeLock();
    const newest = openNewest();
    if (newest) {
      use(newest);
      verifyTail(newest);
      head = newest.head();
      leftOpen = openRequests(newest);
      const gone = missingGuards(newest.db, newest.format);
      if (gone.length > 0) unguarded = `${basename(newest.path)}: ${guardsGone(gone)}`;
    } else {
      begin(1);
    }
  } catch (error) {
    drop();
    lock?.release();
    throw explained(error, dir);
  }

  return {
    head: () => head,
    leftOpen,
    unguarded,
    restoreGuards() {
      if (segment) restoreGuards(segment.db, segment.format);
    },
    commit(draft) {
      const target = current();
      const isFirst = head.seq < target.info.firstSeq;
      const records = draft(
        isFirst ? { ...head, nextSegment: openingDigest(readOpening(target.db)) } : head,
      );
      const last = records.at(-1);
      if (!last) return records;
      try {
        target.commit(records);
      } catch (error) {
        attempted = last.hash;
        drop();
        throw error;
      }
      head = { seq: last.seq, hash: last.hash };
      indexer?.wrote(last.seq, target.number);
      copier?.wrote(target.path, 1 + Math.ceil(bytesOf(records) / PAGE_BYTES));
      return records;
    },
    sync() {
      segment?.db.pragma('wal_checkpoint(PASSIVE)');
    },
    async syncMeanwhile() {
      if (segment === undefined) return;
      // What is not in there any more, SQLite has made durable in the segment itself.
      const file = await open(`${segment.path}-wal`, 'r+');
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    close() {
      drop();
      lock?.release();
      lock = undefined;
    },
  };
}

function hasRecords(file: SegmentFile): boolean {
  const reader = openReader(file);
  try {
    return reader?.prepare('SELECT 1 FROM records LIMIT 1').get() !== undefined;
  } finally {
    reader?.close();
  }
}

function bytesOf(records: readonly SealedRecord[]): number {
  let bytes = 0;
  for (const { body } of records) bytes += body.length;
  return bytes;
}

function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The system's own words tell nobody which directory, nor what to do. */
function explained(error: unknown, dir: string): unknown {
  if (error instanceof AuditError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const code = String((error as { code?: unknown }).code);
  if (!/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) {
    const message = `the audit in ${dir} can't be opened for writing: ${reason}`;
    return new AuditError('audit_unavailable', message, { cause: error });
  }
  return new AuditError(
    'audit_tampered',
    `the newest segment in ${dir} is damaged (${reason}). Run audit verify for the whole picture; ` +
      'to go on, keep this directory as evidence and start with an empty one',
    { cause: error },
  );
}
