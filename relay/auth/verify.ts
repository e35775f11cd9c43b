import { hash as digest } from 'node:crypto';
import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Credential } from './bearer.ts';
import { type ProofChecker, checkBinding } from './binding.ts';
import { checkClaims, checkHeader, checkLifetime, checkProfile } from './checks.ts';
import { principalFromClaims } from './claims.ts';
import type { IssuerKeys, IssuerState } from './jwks.ts';
import { parseCompactJws, readDamaged } from './jws.ts';
import type { CompactJws } from './jws.ts';
import type { Introspector } from './introspect.ts';
import type { Presentation } from './presentation.ts';
import type { Principal } from './principal.ts';
import type { SharedState } from '../state/shared-state.ts';
import { checkSignature } from './signature.ts';
import { createTokenCache } from './token-cache.ts';

/** Turns access tokens into principals. */
export interface Verifier {
  /** For /readyz: one state an issuer, in the order of the configuration. */
  readonly states: () => readonly IssuerState[];
  /** Resolves to the caller; rejects with a RelayError `token_*` or `issuer_unavailable`. */
  readonly verify: (credential: Credential, presentation: Presentation) => Promise<Principal>;
  /**
   * Finds the caller of a bearer token that was verified before and is still good, without waiting.
   * Undefined says nothing of the token: ask {@link verify}.
   */
  readonly recall: (credential: Credential) => Principal | undefined;
}

/** How a token came to be accepted or refused, for the metrics. */
export interface Verification {
  /** `unknown` where the token names no issuer that is trusted. */
  readonly issuer: string;
  /** `ok` or the refusal's code. */
  readonly result: string;
  readonly path: 'cache' | 'jwks' | 'introspection';
}

/** What a verifier works with; the keys outlive it, so that a reload forgets none. */
export interface VerifierDeps {
  readonly now: () => number;
  readonly keysOf: (issuer: IssuerConfig) => IssuerKeys;
  readonly introspectorOf: (issuer: IssuerConfig) => Introspector;
  readonly proofs: ProofChecker;
  readonly state: Pick<SharedState, 'isRevoked'>;
  readonly observe?: (verification: Verification) => void;
}

interface Source {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
}

const cachedTokens = 10_000;

function sha256(text: string): string {
  return digest('sha256', text);
}

/** What is known of a token before its signature is looked at: whose it says it is. */
interface Found {
  readonly source: Source;
  readonly jws?: CompactJws;
}

/** What is known of a verification that may still fail. */
type Attempt = { -readonly [Member in keyof Verification]: Verification[Member] };

/** A token whose word is established; whether it may be used now is still to be seen. */
interface Recognised {
  readonly principal: Principal;
  readonly config: IssuerConfig;
}

function unknownIssuer(): RelayError {
  return new RelayError(
    'token_issuer',
    'The access token is from an issuer that this relay does not trust. The issuers it trusts are in its resource metadata.',
  );
}

/** A token that is no JWT can only be its issuer's to read, and goes to no other. */
function findSource(
  token: string,
  sources: ReadonlyMap<string, Source>,
  opaque: Source | undefined,
): Found {
  let jws: CompactJws;
  try {
    jws = parseCompactJws(token);
  } catch (error) {
    if (opaque === undefined) throw error;
    const { isSigned, issuers } = readDamaged(token);
    if (isSigned || issuers.some((issuer) => issuer !== opaque.config.issuer)) throw error;
    return { source: opaque };
  }
  if (opaque === undefined) checkHeader(jws.header);
  const { iss } = jws.claims;
  if (typeof iss !== 'string')
    throw new RelayError('token_claims', "The access token's `iss` is missing or not a string.");
  const source = sources.get(iss);
  if (source === undefined) throw unknownIssuer();
  return { source, jws };
}

function checkRevocation(principal: Principal, state: Pick<SharedState, 'isRevoked'>): void {
  if (state.isRevoked(principal))
    throw new RelayError(
      'token_revoked',
      'The access token has been revoked, or its session was ended. Sign in again.',
    );
}

/**
 * Makes the verifier of all trusted issuers. Each issuer's keys verify that issuer's tokens only.
 *
 * @param issuers the trusted issuers
 * @param deps clock, keys, introspection, proofs of possession, revocations
 * @returns the verifier
 * @see RFC 9068 §4, RFC 8725 §3, RFC 7662
 */
export function createVerifier(issuers: readonly IssuerConfig[], deps: VerifierDeps): Verifier {
  const sources: ReadonlyMap<string, Source> = new Map(
    issuers.map((config) => [config.issuer, { config, keys: deps.keysOf(config) }]),
  );
  const opaque = [...sources.values()].find(({ config }) => config.tokens === 'introspection');
  const cache = createTokenCache(cachedTokens);

  function remembered(hash: string): Principal | undefined {
    const found = cache.get(hash);
    if (found === undefined) return undefined;
    const { principal } = found;
    if (sources.get(principal.issuer)?.keys.current() === found.keys) return principal;
    cache.delete(hash);
    return undefined;
  }

  function isStillGood(principal: Principal, config: IssuerConfig): boolean {
    try {
      checkLifetime(principal.claims, config.clockToleranceMs, deps.now());
      checkRevocation(principal, deps.state);
      return true;
    } catch {
      return false;
    }
  }

  function recall({ token, scheme }: Credential): Principal | undefined {
    if (scheme !== 'bearer') return undefined;
    const principal = remembered(sha256(token));
    // A bound token, or one that must be, has more to show than itself.
    if (principal === undefined || principal.claims['cnf'] !== undefined) return undefined;
    const config = sources.get(principal.issuer)?.config;
    if (config === undefined || config.dpop === 'required') return undefined;
    if (!isStillGood(principal, config)) return undefined;
    deps.observe?.({ issuer: config.issuer, result: 'ok', path: 'cache' });
    return principal;
  }

  async function verifyJwt(jws: CompactJws, hash: string, source: Source): Promise<Principal> {
    const { config, keys } = source;
    const header = checkHeader(jws.header);
    checkProfile(header, config);
    const verifiedWith = await checkSignature(jws.parts, header, keys);
    checkClaims(jws.claims, config, deps.now());
    const { jti } = jws.claims;
    const tokenId = typeof jti === 'string' ? sha256(jti) : hash;
    const principal = principalFromClaims(jws.claims, config, tokenId);
    cache.set(hash, { principal, keys: verifiedWith });
    return principal;
  }

  /** Cheapest first: what was verified before, then what the token itself says. */
  async function recognise(token: string, attempt: Attempt): Promise<Recognised> {
    const hash = sha256(token);
    const principal = remembered(hash);
    const known = principal && sources.get(principal.issuer);
    if (principal && known) {
      attempt.issuer = known.config.issuer;
      attempt.path = 'cache';
      return { principal, config: known.config };
    }
    const { source, jws } = findSource(token, sources, opaque);
    const { config } = source;
    attempt.issuer = config.issuer;
    if (config.tokens === 'jwt')
      return { principal: await verifyJwt(jws ?? parseCompactJws(token), hash, source), config };
    attempt.path = 'introspection';
    const answer = await deps.introspectorOf(config).introspect(token, hash);
    if (answer.cached) attempt.path = 'cache';
    return { principal: answer.principal, config };
  }

  async function judge(
    { token, scheme }: Credential,
    shown: Presentation,
    attempt: Attempt,
  ): Promise<Principal> {
    const { principal, config } = await recognise(token, attempt);
    // Known or new, a token is as good as it is now: time, revocation and possession, in this order.
    checkLifetime(principal.claims, config.clockToleranceMs, deps.now());
    checkRevocation(principal, deps.state);
    await checkBinding({ principal, config, scheme, token, shown }, deps.proofs);
    return principal;
  }

  async function verify(credential: Credential, shown: Presentation): Promise<Principal> {
    const attempt: Attempt = { issuer: 'unknown', result: 'ok', path: 'jwks' };
    try {
      return await judge(credential, shown, attempt);
    } catch (error) {
      attempt.result = error instanceof RelayError ? error.code : 'internal';
      throw error;
    } finally {
      deps.observe?.(attempt);
    }
  }

  return {
    states: () =>
      [...sources.values()].map(({ config, keys }) =>
        config.tokens === 'introspection' ? deps.introspectorOf(config).state() : keys.state(),
      ),
    verify,
    recall,
  };
}
