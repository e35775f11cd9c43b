import { RelayError, type ChallengeParameters } from './errors.ts';
import type { DenyCode, Verdict } from './policy/verdict.ts';

const DETAILS: Readonly<Record<DenyCode, string>> = {
  client: 'The application that you signed in with may not do this; ask the owner of this API.',
  network: 'This is not allowed from the network that you are on.',
  scope: 'Your sign-in lacks a scope that this needs; ask the owner of this API for access.',
  role: 'You lack a role that this needs; ask the owner of this API for access.',
  group: 'You are in none of the groups that may do this; ask the owner of this API for access.',
  claim: 'Your account lacks a property that this needs; ask the owner of this API for access.',
  condition: 'A condition that this needs does not hold; ask the owner of this API.',
  step_up: 'Sign in again, more strongly or more recently, and repeat the request.',
  denied: 'A rule forbids this; ask the owner of this API if you need it.',
  no_rule: 'No rule allows this method and path; ask the owner of this API if you need it.',
};

/**
 * Turns a denial into the refusal that the caller sees.
 *
 * @param verdict what policy said
 * @returns the refusal, with the challenge's parameters where an RFC has some
 * @see RFC 6750 §3.1, RFC 9470 §3
 */
export function refusal(verdict: Extract<Verdict, { readonly kind: 'deny' }>): RelayError {
  const parameters: ChallengeParameters = {
    ...(verdict.scopes === undefined ? {} : { scope: verdict.scopes.join(' ') }),
    ...(verdict.acrValues === undefined ? {} : { acr_values: verdict.acrValues.join(' ') }),
    ...(verdict.maxAgeSeconds === undefined ? {} : { max_age: String(verdict.maxAgeSeconds) }),
  };
  return new RelayError(verdict.code, DETAILS[verdict.code], { parameters });
}
