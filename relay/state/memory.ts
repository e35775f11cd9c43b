import { randomBytes } from 'node:crypto';
import { RelayError } from '../errors.ts';
import { createAllowances } from './allowances.ts';
import { createDenylist } from './denylist.ts';
import { entryKey } from './entry.ts';
import type { Journal } from './journal.ts';
import { createListeners } from './listeners.ts';
import { createOnceStore } from './once-store.ts';
import type { Revocation, SharedState } from './shared-state.ts';

const tidyMs = 60_000;

/**
 * Says that a revocation holds here and now, but might not tomorrow or elsewhere.
 *
 * @param cause why
 * @returns a 503 that asks to come back
 */
export function notKept(cause: unknown): RelayError {
  return new RelayError(
    'state_unavailable',
    'The revocation is in force on this relay, but could not be kept. Send it again.',
    { cause },
  );
}

/**
 * Says that no further revocation can be held.
 *
 * @returns a 503
 */
export function denylistFull(): RelayError {
  return new RelayError('state_unavailable', 'There are more revocations than a relay can hold.');
}

/**
 * Keeps in this process what relays share; for one relay, and for tests.
 *
 * @param now the clock, epoch ms
 * @param journal keeps revocations over restarts; absent: they end with the process
 * @returns the state, with the journal's revocations in force
 */
export function createMemoryState(now: () => number, journal?: Journal): SharedState {
  const denylist = createDenylist();
  const used = createOnceStore(now);
  const listeners = createListeners();
  const secrets = new Map<string, Buffer>();
  /** In force, but not known to be on the disk. */
  const unkept = new Map<string, Revocation>();
  let problem: string | undefined;
  for (const entry of journal?.entries ?? [])
    if (denylist.add(entry) === 'full') throw denylistFull();

  async function keep(): Promise<void> {
    const entries = [...unkept];
    try {
      await journal?.append(entries.map(([, entry]) => entry));
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'failed';
      problem = `revocations cannot be written to the disk (${why})`;
      throw notKept(error);
    }
    for (const [key, entry] of entries) if (unkept.get(key) === entry) unkept.delete(key);
    problem = undefined;
  }

  const timer = setInterval(() => {
    denylist.forget(now());
    if (unkept.size > 0) keep().catch(() => {});
  }, tidyMs);
  timer.unref();

  return {
    // An `async` function would do, but for a promise more on each request.
    once(key, expiresAtMs) {
      try {
        return Promise.resolve(used.once(key, expiresAtMs));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    take: createAllowances(now).take,
    async revoke(revocation) {
      const key = entryKey(revocation);
      const outcome = denylist.add(revocation);
      if (outcome === 'full') throw denylistFull();
      // Sent again because it could not be kept the first time: it is kept now.
      if (outcome === 'known' && !unkept.has(key)) return;
      if (outcome === 'added') {
        unkept.set(key, revocation);
        listeners.call();
      }
      await keep();
    },
    isRevoked: denylist.isRevoked,
    revocations: denylist.list,
    onRevoked: listeners.add,
    secret(name) {
      const secret = secrets.get(name) ?? randomBytes(32);
      secrets.set(name, secret);
      return Promise.resolve(secret);
    },
    health: () => (problem === undefined ? { ok: true } : { ok: false, problem }),
    async close() {
      clearInterval(timer);
      await journal?.close();
    },
  };
}
