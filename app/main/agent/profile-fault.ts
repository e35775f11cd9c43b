import type { AgentError } from './errors.ts';
import type { Log } from './log.ts';
import type { Fault } from './status.ts';
import { toFault } from './texts.ts';

/** What is wrong with one profile. */
export interface ProfileFault {
  current(): Fault | undefined;
  /** Something failed. Whoever passes a failure on may tell it, too: it is logged once. */
  blame(error: unknown): void;
  /** Something succeeded: what it can end is over. */
  forgive(): void;
  /** What no success ends, a door that could not be opened; takes the place of all before. */
  stand(errors: readonly unknown[]): void;
}

/**
 * Keeps the latest fault that still matters.
 *
 * @param deps log, clock, who listens, and why the audit is shut: that nothing but another start ends
 * @returns the keeper, without a fault
 */
export function createProfileFault(deps: {
  readonly log: Log;
  readonly now: () => number;
  readonly shut: () => AgentError | undefined;
  readonly onChange: () => void;
}): ProfileFault {
  const { log, now } = deps;
  let fault: Fault | undefined;
  let standing: Fault | undefined;
  let blamed: unknown;

  function blame(error: unknown): void {
    if (error === blamed) return;
    blamed = error;
    fault = toFault(error, now());
    log.warn('fault', error, { code: fault.code });
    deps.onChange();
  }

  function forgive(): void {
    const shut = deps.shut();
    blamed = undefined;
    fault = shut ? toFault(shut, now()) : standing;
  }

  return {
    current: () => fault,
    blame,
    forgive,
    stand(errors) {
      standing = undefined;
      forgive();
      errors.forEach(blame);
      standing = fault;
    },
  };
}
