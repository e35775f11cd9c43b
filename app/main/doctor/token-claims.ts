import type { RelayMetadata } from '../agent/login/relay-metadata.ts';
import type { TokenFacts } from '../agent/session/token-facts.ts';

/** Something about an access token that a relay may refuse. */
export interface TokenProblem {
  /** `fail`: no relay takes such a token. `warn`: some do. */
  readonly outcome: 'warn' | 'fail';
  readonly detail: string;
  readonly todo: string;
}

const SHORTEST_MS = 60_000;
const LONGEST_MS = 24 * 3_600_000;
/** Asked of the provider for itself: access tokens rarely name them. */
const forProvider: ReadonlySet<string> = new Set([
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access',
]);

/**
 * Compares what is known of an access token with what the relay wants.
 *
 * @param token of the session
 * @param relay what it says of itself
 * @param isTaken whether the relay took the token: it alone decides whom it trusts and which audience it takes
 * @returns what does not fit, gravest first
 */
export function tokenProblems(
  token: TokenFacts,
  relay: RelayMetadata,
  isTaken: boolean,
): readonly TokenProblem[] {
  const found = [
    bindingProblem(token, relay),
    ...(isTaken ? [] : [issuerProblem(token, relay), audienceProblem(token, relay)]),
    scopeProblem(token, relay),
    lifeProblem(token),
  ].filter((problem) => problem !== undefined);
  const of = (outcome: TokenProblem['outcome']): readonly TokenProblem[] =>
    found.filter((problem) => problem.outcome === outcome);
  return [...of('fail'), ...of('warn')];
}

function bindingProblem({ type, claims }: TokenFacts, relay: RelayMetadata) {
  if (claims?.boundTo === 'another key' || (claims?.boundTo === 'our key' && type === 'bearer')) {
    return fail(
      'it is bound to another key than this session’s',
      'Sign out and in again, so that a token for this computer’s key is given out.',
    );
  }
  if (claims?.boundTo === 'a certificate') {
    return fail(
      'it is bound to a certificate, which Latchkey does not show',
      'Ask the provider’s administrator to bind this client’s tokens by DPoP, or not at all.',
    );
  }
  const isBound = type === 'dpop' && (claims === undefined || claims.boundTo === 'our key');
  if (isBound || (type === 'bearer' && relay.dpop !== 'required')) return undefined;
  return fail(
    type === 'dpop'
      ? 'the provider calls it bound to a key, and its claims name none (cnf.jkt)'
      : 'it is bound to no key, and the relay takes only bound ones (DPoP)',
    'Ask the provider’s administrator to turn DPoP on for this client, or the relay’s not to require it.',
  );
}

function issuerProblem({ issuer, claims }: TokenFacts, relay: RelayMetadata) {
  if (issuer !== relay.issuer) {
    return warn(
      `it was given out by ${issuer}, and the relay now names ${relay.issuer}`,
      'Sign out and in again.',
    );
  }
  if (claims === undefined || claims.issuer === relay.issuer) return undefined;
  return warn(
    `it names ${claims.issuer ?? 'nobody'} as its issuer (iss), not ${relay.issuer}`,
    'Give the relay’s administrator this line: the issuer in relay.yaml must be spelt as in the token, the slash at its end included. Entra ID names another one in tokens of version 1.',
  );
}

function audienceProblem({ claims }: TokenFacts, { resource }: RelayMetadata) {
  const bare = (text: string): string => text.replace(/\/$/u, '');
  if (claims === undefined || claims.audience.map(bare).includes(bare(resource))) return undefined;
  const named = claims.audience.length === 0 ? 'nobody' : claims.audience.join(', ');
  return warn(
    `it is meant for ${named} (aud), not for ${resource}`,
    'Give the relay’s administrator this line: either the provider gives out tokens for the relay, or `audience` in relay.yaml names what is in the token.',
  );
}

function scopeProblem({ claims, granted }: TokenFacts, relay: RelayMetadata) {
  const given = claims?.scopes ?? granted;
  if (given === undefined) return undefined;
  const missing = relay.scopes.filter((scope) => !forProvider.has(scope) && !isGiven(scope, given));
  if (missing.length === 0) return undefined;
  return warn(
    `the relay asks for ${missing.join(', ')}, which was not granted`,
    'What needs it is refused. Ask the provider’s administrator to grant it to you and to this client, then sign in again.',
  );
}

/** Entra ID asks for `api://relay/billing.read`, grants `billing.read`, and answers `.default` with whatever there is. */
function isGiven(scope: string, given: readonly string[]): boolean {
  const last = scope.slice(scope.lastIndexOf('/') + 1);
  return given.includes(scope) || given.includes(last) || last === '.default';
}

function lifeProblem({ lifeMs }: TokenFacts) {
  if (lifeMs < SHORTEST_MS) {
    return warn(
      `it lives ${Math.round(lifeMs / 1000)} s`,
      'Ask the provider’s administrator for some minutes: it is renewed all the time, and a slow network is enough for it to end on its way.',
    );
  }
  if (lifeMs <= LONGEST_MS) return undefined;
  return warn(
    `it lives ${Math.round(lifeMs / 3_600_000)} hours`,
    'Ask the provider’s administrator for an hour or less: whoever loses access keeps it until the token ends.',
  );
}

const fail = (detail: string, todo: string): TokenProblem => ({ outcome: 'fail', detail, todo });
const warn = (detail: string, todo: string): TokenProblem => ({ outcome: 'warn', detail, todo });
