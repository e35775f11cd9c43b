import { createRefusals, type Refusals } from '../../../../audit/refusals.ts';
import { createCarrier, type Carrier } from './carry.ts';
import { createHops, type Hops } from './hops.ts';
import { createProfileChoice, type ChooseProfile } from './profile-choice.ts';
import type { ProxyDeps, ProxyProfile } from './proxy-deps.ts';

/** One profile with all that is its own at the port: connections, carrier, record of refusals. */
export interface Side extends ProxyProfile {
  readonly carrier: Carrier;
  readonly refusals: Refusals;
}

/** The profiles at the port. */
export interface Sides {
  readonly choose: ChooseProfile<Side>;
  /** For what is refused before it is known whom it is for. */
  readonly refusals: Refusals;
  renewConnections(): void;
  close(): Promise<void>;
}

/**
 * Makes the sides, each with connections of its own: nothing of one profile goes out on another's.
 *
 * @param deps the agent's side
 * @param nextId makes request ids, ULIDs
 * @returns the sides
 */
export function createSides(deps: ProxyDeps, nextId: () => string): Sides {
  const isNamed = deps.profiles.length > 1;
  const hops: Hops[] = [];
  const before = createRefusals(deps.ledger, deps.auditFailed);

  const sides = deps.profiles.map((profile): Side => {
    const own = createHops(deps.relayPath);
    hops.push(own);
    return {
      ...profile,
      carrier: createCarrier({ ...profile, shared: deps, isNamed }, own, nextId),
      refusals:
        profile.ledger === deps.ledger ? before : createRefusals(profile.ledger, deps.auditFailed),
    };
  });

  return {
    choose: createProfileChoice(sides, () => deps.snapshot().localUrl ?? ''),
    refusals: before,
    renewConnections: () => hops.forEach((each) => each.renew()),
    async close() {
      const refusals = new Set([before, ...sides.map((side) => side.refusals)]);
      await Promise.all([...refusals].map((each) => each.close()));
      hops.forEach((each) => each.close());
    },
  };
}
