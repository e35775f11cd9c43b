import type { Principal } from '../auth/principal.ts';
import type { RuleConfig } from '../config/api-config.ts';
import type { Network } from './network.ts';
import type { DenyCode, PolicyRequest } from './verdict.ts';
import type { When } from './when.ts';

/** What a condition of a rule refuses with. */
export type ConditionCode = Exclude<DenyCode, 'denied' | 'no_rule'>;

/** A rule's conditions beside methods and paths. */
export interface Conditions {
  readonly rule: RuleConfig;
  readonly network: Network | undefined;
  readonly when: When | undefined;
}

const anyOf = (wanted: readonly string[], has: readonly string[]): boolean =>
  wanted.some((one) => has.includes(one));

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Finds a claim by its configured name: exactly that member first, then a path of members.
 *
 * @param claims the claims
 * @param path a name, or names joined by dots
 * @returns the value; undefined when there is none
 */
export function claimAt(claims: Principal['claims'], path: string): unknown {
  // Names may be URLs with dots in them, so the exact name comes first.
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function claimHolds(claims: Principal['claims'], path: string, wanted: unknown): boolean {
  const value = claimAt(claims, path);
  const has: readonly unknown[] = Array.isArray(value) ? value : [value];
  const accepted: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  return has.some((element) => element !== undefined && accepted.includes(element));
}

/** A date in the future proves nothing, so it counts as too old. */
function isFresh(principal: Principal, maxAgeMs: number, nowMs: number): boolean {
  if (principal.authTime === undefined) return false;
  const ageMs = nowMs - principal.authTime * 1000;
  return ageMs >= 0 && ageMs <= maxAgeMs;
}

/** An unknown address is outside of what allows and inside of what denies. */
function networkHolds({ rule, network }: Conditions, ip: string): boolean {
  return network === undefined || (network(ip) ?? rule.effect === 'deny');
}

type Check = (conditions: Conditions, principal: Principal) => boolean;

/** The conditions on the person alone, in the order in which the first failure is named. */
const personal: readonly (readonly [ConditionCode, Check])[] = [
  [
    'client',
    ({ rule }, { clientId }) =>
      !rule.clients || (clientId !== undefined && rule.clients.includes(clientId)),
  ],
  [
    'scope',
    ({ rule }, { scopes }) =>
      (rule.scopes ?? []).every((scope) => scopes.includes(scope)) &&
      (!rule.anyScope || anyOf(rule.anyScope, scopes)),
  ],
  ['role', ({ rule }, { roles }) => !rule.roles || anyOf(rule.roles, roles)],
  ['group', ({ rule }, { groups }) => !rule.groups || anyOf(rule.groups, groups)],
  [
    'claim',
    ({ rule }, { claims }) =>
      Object.entries(rule.claims ?? {}).every(([path, wanted]) => claimHolds(claims, path, wanted)),
  ],
];

function acrHolds(rule: RuleConfig, principal: Principal): boolean {
  return !rule.acr || (principal.acr !== undefined && rule.acr.includes(principal.acr));
}

/**
 * Finds the first condition on the person that fails; where the caller is and when the person
 * signed in are left out, because both change without anybody granting anything.
 *
 * @param conditions of one rule
 * @param principal who is calling
 * @returns its code; undefined when all hold
 */
export function firstPersonalFailure(
  conditions: Conditions,
  principal: Principal,
): ConditionCode | undefined {
  return personal.find(([, holds]) => !holds(conditions, principal))?.[0];
}

/** A condition that breaks on what it is given must not open a way around a deny rule. */
function whenHolds(
  { rule, when }: Conditions,
  principal: Principal,
  request: PolicyRequest,
): boolean {
  if (when === undefined) return true;
  const outcome = when(principal.claims, request);
  return outcome === 'holds' || (outcome === 'error' && rule.effect === 'deny');
}

/**
 * Finds the first condition that fails: client, network, scope, role, group, claim, condition, step_up.
 *
 * @param conditions of one rule
 * @param principal who is calling
 * @param request the canonical request
 * @returns its code; undefined when all hold
 */
export function firstFailure(
  conditions: Conditions,
  principal: Principal,
  request: PolicyRequest,
): ConditionCode | undefined {
  const failure = firstPersonalFailure(conditions, principal);
  if (failure === 'client') return failure;
  if (!networkHolds(conditions, request.ip)) return 'network';
  if (failure !== undefined) return failure;
  if (!whenHolds(conditions, principal, request)) return 'condition';
  const { rule } = conditions;
  const stale = rule.maxAgeMs !== undefined && !isFresh(principal, rule.maxAgeMs, request.nowMs);
  return stale || !acrHolds(rule, principal) ? 'step_up' : undefined;
}
