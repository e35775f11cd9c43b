import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { syncDirectory } from '../directory.ts';
import type { People } from '../people/people.ts';
import type { RecordedFields } from '../record.ts';
import { listSegments, type SegmentFile } from '../segment.ts';
import type { Hold } from './holds.ts';
import { limitsAt, type RetentionPolicy } from './policy.ts';
import type { Held, Prepared, PrepareOrder } from './prepare.ts';

/** How much longer than records the keys of people are kept: an outcome may be days younger than its request. */
const KEY_MARGIN_MS = 7 * 86_400_000;
/** When a segment that somebody was reading is tried again: at first, and at most, as the wait doubles. */
const RETRY_MS = { first: 1_000, most: 600_000 };

/** Lets records expire. */
export interface Retention {
  /**
   * Goes through the ledger once, and soon again where somebody read a segment; what fails is tried again by the next
   * call. Never throws.
   */
  run(): Promise<void>;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/**
 * Makes the retention job of a ledger. For each segment that nobody writes any more it first commits an `expire`
 * record, which tells exactly which records go, and only then exchanges the segment's file for one without them.
 *
 * @param deps how long records are kept, who prepares the files, who writes the record
 * @returns the job
 */
export function createRetention(deps: {
  readonly dir: string;
  readonly policy: () => RetentionPolicy;
  readonly people: Pick<People, 'holds' | 'pseudonymsOf' | 'forgetUnused'>;
  readonly prepare: (order: PrepareOrder) => Promise<Prepared | 'in-use' | undefined>;
  readonly append: (fields: RecordedFields) => Promise<void>;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): Retention {
  const { dir, people, prepare, append, now, onError } = deps;
  let isClosed = false;
  let running: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let waitMs = RETRY_MS.first;

  /** Resolves to whether somebody uses the segment, so that it is to be tried again. */
  async function thin(
    file: SegmentFile,
    policy: RetentionPolicy,
    holds: readonly Hold[],
  ): Promise<boolean> {
    const before = statSync(file.path);
    const held = heldBy(holds);
    const prepared = await prepare({ path: file.path, policy, nowMs: now(), held });
    if (!prepared) return false;
    if (prepared === 'in-use') return true;
    try {
      const after = statSync(file.path);
      const isSame = after.ino === before.ino && after.size === before.size;
      // A hold that came meanwhile holds.
      const isAllowed = JSON.stringify(people.holds()) === JSON.stringify(holds);
      if (isClosed || !isSame || !isAllowed) return false;
      if (isInUse(file)) return true;
      await append(statement(prepared));
      if (isInUse(file)) return true;
      renameSync(prepared.path, file.path);
      syncDirectory(dir);
      return false;
    } finally {
      rmSync(prepared.path, { force: true });
    }
  }

  function heldBy(holds: readonly Hold[]): Held {
    const names = holds.flatMap(({ holds: it }) =>
      it.kind === 'user' ? [...people.pseudonymsOf(it.user, it.issuer), it.user] : [],
    );
    const apis = holds.flatMap(({ holds: it }) => (it.kind === 'api' ? [it.api] : []));
    return { people: names, apis };
  }

  async function forgetPeople(policy: RetentionPolicy): Promise<void> {
    const { retentionMs } = limitsAt(policy, now()).longest;
    const count = people.forgetUnused(now() - retentionMs - KEY_MARGIN_MS);
    if (count > 0) await append({ count, detail: 'keys of people without records' });
  }

  async function goThrough(): Promise<void> {
    removeUnfinished(dir);
    const policy = deps.policy();
    const holds = people.holds();
    if (holds.some(({ holds: it }) => it.kind === 'all')) return;
    let isLeft = false;
    for (const file of listSegments(dir).slice(0, -1)) {
      if (isClosed) return;
      const isRead = await thin(file, policy, holds).catch(onError);
      isLeft ||= isRead === true;
    }
    if (isClosed) return;
    await forgetPeople(policy);
    if (isLeft) tryAgain();
    else waitMs = RETRY_MS.first;
  }

  function tryAgain(): void {
    clearTimeout(retry);
    retry = setTimeout(() => void run(), waitMs);
    retry.unref();
    waitMs = Math.min(2 * waitMs, RETRY_MS.most);
  }

  function run(): Promise<void> {
    running ??= goThrough()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  return {
    run,
    async close() {
      isClosed = true;
      clearTimeout(retry);
      await running;
    },
  };
}

function isInUse({ path }: SegmentFile): boolean {
  return ['-wal', '-journal'].some((suffix) => existsSync(path + suffix));
}

/** Of a process that was killed. */
function removeUnfinished(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (/^audit-\d+\.sqlite\.new(?:-journal)?$/.test(name))
      rmSync(join(dir, name), { force: true });
  }
}

function statement(prepared: Prepared): RecordedFields {
  const { batch, digest, from, retentionMs, to, until, count, counts } = prepared;
  const apis = Object.keys(counts);
  const [only] = apis;
  return {
    count,
    ...(apis.length === 1 && only !== undefined && only !== '' ? { api: only } : {}),
    detail: apis.map((api) => `${api === '' ? 'no api' : api}: ${counts[api]}`).join(', '),
    expiry: { batch, digest, from, retentionMs, to, until },
  };
}
