import type { Access } from '../session/access.ts';
import type { ProxyProfile } from './proxy-deps.ts';
import type { Refusal } from './refusals.ts';

/** How long a token may take that should be at hand. */
const RENEWAL_MS = 10_000;

/** What puts refusals of one call right; each remedy is tried once. */
export interface Remedies {
  /** Whether another try may help. */
  allows(refusal: Refusal, access: Access): boolean;
  /**
   * Does what the refusal asks for.
   *
   * @param refused the try that was refused
   * @param gone ends when the tool leaves
   * @returns what to show with the next try, or `undefined` when there is none
   */
  apply(
    refusal: Refusal | undefined,
    refused: {
      readonly access: Access;
      readonly sentAtMs: number;
      readonly api: string | undefined;
    },
    gone: AbortSignal,
  ): Promise<Access | undefined>;
}

/**
 * Makes the remedies of one call.
 *
 * @param deps renewal, step-up, and the token that comes of them
 * @returns remedies, none tried yet
 */
export function createRemedies(
  deps: Pick<ProxyProfile, 'authorize' | 'renew' | 'stepUp'>,
): Remedies {
  let isRenewed = false;
  let isSteppedUp = false;
  // A token that is new may bring a wish for a nonce of its own.
  const provedAgain = new Set<string>();

  return {
    allows(refusal, access) {
      if (refusal.kind === 'token') return !isRenewed;
      if (refusal.kind === 'step-up') return !isSteppedUp;
      return !provedAgain.has(access.token);
    },
    async apply(refusal, { access, sentAtMs, api }, gone) {
      switch (refusal?.kind) {
        case 'proof':
          provedAgain.add(access.token);
          return access;
        case 'token':
          isRenewed = true;
          if (!(await deps.renew(access.token))) return undefined;
          return deps.authorize(AbortSignal.any([gone, AbortSignal.timeout(RENEWAL_MS)]));
        case 'step-up': {
          isSteppedUp = true;
          const { challenge } = refusal;
          if (!(await deps.stepUp({ challenge, api, sentAtMs }, gone))) return undefined;
          return deps.authorize(gone);
        }
        default:
          return undefined;
      }
    },
  };
}
