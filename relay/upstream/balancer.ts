import type { BalancingConfig } from '../config/api-config.ts';
import { beginTrial, isDue, isLastResort } from './circuit.ts';
import type { Target } from './target.ts';

/** A recovered address is tried now and then even in its first moments. */
const LEAST_SHARE = 0.02;

/**
 * Picks the address with the fewest exchanges under way; of equals, the next in turn.
 *
 * @param targets all of them usable, at least one
 * @param turn where to begin
 * @returns the address
 */
export function leastOpen(targets: readonly Target[], turn: number): Target {
  let best = targets[turn % targets.length] as Target;
  for (let at = 1; at < targets.length && best.open > 0; at++) {
    const next = targets[(turn + at) % targets.length] as Target;
    if (next.open < best.open) best = next;
  }
  return best;
}

function shareOf(target: Target, slowStartMs: number, nowMs: number): number {
  if (target.rampFromMs === 0) return 1;
  return Math.max(LEAST_SHARE, (nowMs - target.rampFromMs) / slowStartMs);
}

/**
 * Spreads requests by shares: each address is owed its share of every request, the one that is owed
 * most gets it. So a share also holds where requests come one after the other.
 */
function byShare(targets: readonly Target[], slowStartMs: number, nowMs: number): Target {
  let best = targets[0] as Target;
  let total = 0;
  for (const target of targets) {
    const share = shareOf(target, slowStartMs, nowMs) / (target.open + 1);
    target.credit += share;
    total += share;
    if (target.credit > best.credit) best = target;
  }
  best.credit -= total;
  return best;
}

/** Ends slow starts that have come to their end. */
function endRamps(targets: readonly Target[], slowStartMs: number, nowMs: number): void {
  for (const target of targets) {
    if (target.rampFromMs === 0 || nowMs - target.rampFromMs < slowStartMs) continue;
    target.rampFromMs = 0;
    for (const other of targets) other.credit = 0;
  }
}

/**
 * Tells whether nothing distinguishes the addresses but how busy they are.
 *
 * @param targets of one API
 */
export function isCalm(targets: readonly Target[]): boolean {
  return targets.every(
    ({ circuit, isHealthy, rampFromMs }) =>
      circuit.state === 'closed' && isHealthy && rampFromMs === 0,
  );
}

/**
 * Picks an address while some are not well: one whose rest is over is tried first, then come those
 * that are well, each by its share. When there are none, an address that rests is tried once a second;
 * one that active checks found unhealthy never is.
 *
 * @param targets of one API
 * @param tried those that failed for this request
 * @param balancing slow start and circuits
 * @param context `nowMs`: epoch ms; `turn`: where to begin among equals
 * @returns the address, or undefined when none may be asked
 */
export function chooseCarefully(
  targets: readonly Target[],
  tried: readonly unknown[],
  balancing: BalancingConfig,
  context: { readonly nowMs: number; readonly turn: number },
): Target | undefined {
  const { nowMs, turn } = context;
  endRamps(targets, balancing.slowStartMs, nowMs);
  const asked = targets.filter((target) => target.isHealthy && !tried.includes(target));
  const well = asked.filter(({ circuit }) => circuit.state === 'closed');
  const resting =
    asked.find(({ circuit }) => isDue(circuit, balancing, nowMs)) ??
    (well.length === 0 ? asked.find(({ circuit }) => isLastResort(circuit, nowMs)) : undefined);
  if (resting !== undefined) {
    beginTrial(resting.circuit, nowMs);
    return resting;
  }
  if (well.length === 0) return undefined;
  if (well.every(({ rampFromMs }) => rampFromMs === 0)) return leastOpen(well, turn);
  return byShare(well, balancing.slowStartMs, nowMs);
}
