import { createDenylist } from '../state/denylist.ts';
import { createListeners } from '../state/listeners.ts';
import { denylistFull } from '../state/memory.ts';
import type { Revocation, SharedState } from '../state/shared-state.ts';
import type { Calls } from './calls.ts';
import type { PrimaryProcedures } from './procedures.ts';

/** A worker's view of what the primary keeps. */
export interface RemoteState extends SharedState {
  /** Takes over what was revoked elsewhere; in force on return. */
  learn(revocation: Revocation): void;
}

const tidyMs = 60_000;

/**
 * Makes the shared state of a worker: what must be told apart once is asked of the primary, and
 * revocations are known here as well, since every use of a token looks at them.
 *
 * @param primary keeps the truth
 * @param known the revocations so far
 * @param now the clock, epoch ms
 * @returns the state
 */
export function createRemoteState(
  primary: Pick<Calls<PrimaryProcedures>, 'call'>,
  known: readonly Revocation[],
  now: () => number,
): RemoteState {
  const denylist = createDenylist();
  const listeners = createListeners();
  for (const revocation of known) if (denylist.add(revocation) === 'full') throw denylistFull();
  const timer = setInterval(() => denylist.forget(now()), tidyMs);
  timer.unref();
  return {
    learn(revocation) {
      const outcome = denylist.add(revocation);
      if (outcome === 'full') throw denylistFull();
      if (outcome === 'added') listeners.call();
    },
    once: (key, expiresAtMs) => primary.call('once', key, expiresAtMs),
    take: (key, allowance) => primary.call('take', key, allowance),
    revoke: (revocation) => primary.call('revoke', revocation),
    isRevoked: denylist.isRevoked,
    revocations: denylist.list,
    onRevoked: listeners.add,
    secret: async (name) => Buffer.from(await primary.call('secret', name), 'base64'),
    health: () => ({ ok: true }),
    close() {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}
