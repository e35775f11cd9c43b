import Database from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AuditError } from '../errors.ts';
import { publicKeyPath, readPublicKeys } from '../checkpoint.ts';
import { openingFaults } from '../opening.ts';
import { LASTING_KINDS } from '../record.ts';
import { createPrivate, readInfo, SEGMENT_SCHEMA, STUB_KIND, version } from '../segment.ts';
import { createExpiredRows, type StoredRow } from './expired-rows.ts';
import { type Limits, limitsAt, type RetentionPolicy } from './policy.ts';
import { signedRecords } from './signed.ts';
import { createStubDigest, type Stub } from './stub.ts';

/** Few, since the process that writes the ledger may be the one that reads them. */
const pageRecords = 200;

/** What is not to expire. */
export interface Held {
  /** As they stand in the column `user`. */
  readonly people: readonly string[];
  readonly apis: readonly string[];
}

/** What to do with one segment that nobody writes any more. */
export interface PrepareOrder {
  readonly path: string;
  readonly policy: RetentionPolicy;
  /** Epoch ms. */
  readonly nowMs: number;
  readonly held: Held;
}

/** A segment without what expired, ready to take the place of the other. */
export interface Prepared {
  readonly path: string;
  readonly batch: string;
  readonly digest: string;
  readonly from: number;
  readonly to: number;
  /** How many records are left out that were there before. */
  readonly count: number;
  /** By API, `''` for those without one. */
  readonly counts: Readonly<Record<string, number>>;
  readonly retentionMs: number;
  readonly until: string;
}

/**
 * Writes a copy of a segment in which stubs stand for what expired. Every record is checked first: what was
 * tampered with is evidence, and stays.
 *
 * @param order which segment, what expires, what is held
 * @returns the copy, which is durable; `undefined` when nothing expired; `in-use` when somebody reads the segment
 * @throws {AuditError} `audit_tampered`
 */
export async function prepareSegment(
  order: PrepareOrder,
): Promise<Prepared | 'in-use' | undefined> {
  const source = new Database(order.path, { fileMustExist: true, timeout: 100 });
  try {
    const limits = limitsAt(order.policy, order.nowMs);
    if (!isDue(source, limits)) return undefined;
    if (!leaveLog(source)) return 'in-use';
    const [fault] = openingFaults(source, version(source, order.path));
    if (fault !== undefined) {
      throw new AuditError(
        'audit_tampered',
        `${order.path}: ${fault}, so nothing in it expires: run audit verify`,
      );
    }
    return await copy(source, order, limits);
  } finally {
    source.close();
  }
}

/** A log beside the segment would be taken for the copy's. */
function leaveLog(source: Database.Database): boolean {
  try {
    return source.pragma('journal_mode = DELETE', { simple: true }) === 'delete';
  } catch {
    return false;
  }
}

function isDue(source: Database.Database, limits: Limits): boolean {
  if (version(source, source.name) === 0) return false;
  // Most segments are too young, and need not be read through.
  const first = source
    .prepare<[], string>('SELECT at FROM records ORDER BY seq LIMIT 1')
    .pluck()
    .get();
  if (first === undefined || first >= limits.shortest.until) return false;
  return source
    .prepare<[string], { api: string | null; oldest: string }>(
      `SELECT api, min(at) AS oldest FROM records
       WHERE kind NOT IN (SELECT value FROM json_each(?)) GROUP BY api`,
    )
    .all(JSON.stringify([STUB_KIND, ...LASTING_KINDS]))
    .some(({ api, oldest }) => oldest < limits.of(api).until);
}

async function copy(
  source: Database.Database,
  order: PrepareOrder,
  limits: Limits,
): Promise<Prepared | undefined> {
  const path = `${order.path}.new`;
  rmSync(path, { force: true });
  createPrivate(path);
  const target = new Database(path);
  let isKept = false;
  try {
    // Nobody knows of it before it is whole: a crash leaves a file that is made anew.
    target.pragma('journal_mode = OFF');
    target.pragma('synchronous = OFF');
    target.exec('BEGIN EXCLUSIVE');
    target.exec(SEGMENT_SCHEMA);
    const info = readInfo(source);
    target
      .prepare('INSERT INTO segment (first_seq, prev, day) VALUES (?, ?, ?)')
      .run(info.firstSeq, info.prev, info.day);
    target.pragma(`user_version = ${version(source, order.path)}`);
    const result = await copyRows(source, target, order, limits);
    target.exec('COMMIT');
    isKept = result.count > 0;
    if (!isKept) return undefined;
    return { path, ...result };
  } finally {
    target.close();
    if (isKept) await makeDurable(path);
    else rmSync(path, { force: true });
  }
}

async function copyRows(
  source: Database.Database,
  target: Database.Database,
  order: PrepareOrder,
  limits: Limits,
): Promise<Omit<Prepared, 'path'>> {
  const dir = dirname(order.path);
  const batch = randomUUID();
  const digest = createStubDigest();
  const stubs = { from: 0, to: 0, until: '', retentionMs: Number.MAX_SAFE_INTEGER };
  const insert = target.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const expired = createExpiredRows({
    info: readInfo(source),
    format: version(source, order.path),
    limits,
    held: order.held,
    signed: await signedRecords(dir, readPublicKeys(publicKeyPath(dir))),
    stub(stub) {
      writeStub(stub);
    },
    record(row) {
      const { seq, at, kind, request_id: id, user, api, decision, code, body, hash } = row;
      insert.run(seq, at, kind, id, user, api, decision, code, body, hash);
    },
  });
  function writeStub(stub: Stub): void {
    const { first, seq, prev, hash, at, limit } = stub;
    digest.add(stub);
    stubs.from ||= first;
    stubs.to = seq;
    if (limit.until > stubs.until) stubs.until = limit.until;
    stubs.retentionMs = Math.min(stubs.retentionMs, limit.retentionMs);
    const body = JSON.stringify({ batch, first, prev, ...limit });
    insert.run(seq, at, STUB_KIND, null, null, null, null, null, body, hash);
  }
  const page = source.prepare<[number, number], StoredRow>(
    'SELECT * FROM records WHERE seq > ? ORDER BY seq LIMIT ?',
  );
  for (let after = Number.MIN_SAFE_INTEGER; ;) {
    const rows = page.all(after, pageRecords);
    const last = rows.at(-1);
    if (!last) break;
    for (const row of rows) expired.take(row);
    after = last.seq;
    await setImmediate();
  }
  const counts = expired.finish();
  const count = Object.values(counts).reduce((sum, it) => sum + it, 0);
  return { batch, digest: digest.finish(), count, counts, ...stubs };
}

async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
