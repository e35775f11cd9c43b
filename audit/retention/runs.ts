import type { Limit } from './policy.ts';
import type { Stub } from './stub.ts';

/** Joins neighbours that have expired into one stub. */
export interface Runs {
  /** Takes the next record or stub that has expired. */
  add(expired: Stub): void;
  /** What follows has not expired, or must not be joined with what came before. */
  end(): void;
}

/**
 * Makes the joiner of one segment.
 *
 * @param emit told of each stub, in the order of the chain
 * @returns the joiner
 */
export function createRuns(emit: (stub: Stub) => void): Runs {
  let run: Stub | undefined;
  function end(): void {
    if (run) emit(run);
    run = undefined;
  }
  return {
    add(expired) {
      const joined = run && join(run, expired);
      if (!joined) end();
      run = joined ?? expired;
    },
    end,
  };
}

function join(before: Stub, after: Stub): Stub | undefined {
  const at = before.at > after.at ? before.at : after.at;
  const limit = stricter(before.limit, after.limit);
  // Neither may claim less than it was kept for.
  if (at >= limit.until) return undefined;
  return { ...before, seq: after.seq, hash: after.hash, at, limit };
}

/** The longer retention; of equal ones the later. */
function stricter(a: Limit, b: Limit): Limit {
  if (a.retentionMs !== b.retentionMs) return a.retentionMs > b.retentionMs ? a : b;
  return a.until > b.until ? a : b;
}
