import { createHash } from 'node:crypto';
import { flattenedVerify } from 'jose';
import type { CryptoKey } from 'jose';
import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Credential } from './bearer.ts';
import { checkBinding, checkClaims, checkHeader, checkLifetime, checkProfile } from './checks.ts';
import type { CheckedHeader } from './checks.ts';
import { principalFromClaims } from './claims.ts';
import { createIssuerKeys, issuerUnavailable } from './jwks.ts';
import type { IssuerDeps, IssuerKeys, IssuerState } from './jwks.ts';
import { parseCompactJws } from './jws.ts';
import type { CompactJws } from './jws.ts';
import type { KeySet } from './keys.ts';
import type { Principal } from './principal.ts';
import { createTokenCache } from './token-cache.ts';

/** Turns access tokens into principals. */
export interface Verifier {
  /** Begins to fetch every issuer's keys in the background; returns at once. */
  readonly start: () => void;
  /** Ends fetches and timers. */
  readonly close: () => void;
  /** For /readyz: one state an issuer, in the order of the configuration. */
  readonly states: () => readonly IssuerState[];
  /** Resolves to the caller; rejects with a RelayError `token_*` or `issuer_unavailable`. */
  readonly verify: (credential: Credential) => Promise<Principal>;
}

interface Source {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
}

const cachedTokens = 2_000;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function signedByAny(
  parts: CompactJws['parts'],
  alg: string,
  keys: readonly CryptoKey[],
): Promise<boolean> {
  for (const key of keys)
    try {
      await flattenedVerify(parts, key, { algorithms: [alg] });
      return true;
    } catch {
      continue;
    }
  return false;
}

function notGenuine(): RelayError {
  return new RelayError(
    'token_signature',
    'The access token is not signed by a key that its issuer publishes. Get a new one.',
  );
}

/** @returns the keys with which the signature holds */
async function checkSignature(
  parts: CompactJws['parts'],
  header: CheckedHeader,
  issuer: IssuerKeys,
): Promise<KeySet> {
  const tryKeys = async (keys: KeySet): Promise<'holds' | 'fails' | 'unknown'> => {
    const lookup = keys.find(header.kid, header.alg);
    if (lookup.kind === 'other_algorithm')
      throw new RelayError(
        'token_algorithm',
        "The access token's algorithm is not the one that its key is for.",
      );
    if (await signedByAny(parts, header.alg, lookup.keys)) return 'holds';
    return lookup.kind === 'known' ? 'fails' : 'unknown';
  };
  const before = await issuer.usable();
  const first = await tryKeys(before);
  if (first === 'holds') return before;
  if (first === 'fails') throw notGenuine();
  await issuer.refetch();
  const after = await issuer.usable();
  const second = after === before ? first : await tryKeys(after);
  if (second === 'holds') return after;
  // An outage must not turn a good token, signed with a new key, into a 401.
  if (second === 'unknown' && !issuer.reachable()) throw issuerUnavailable();
  throw notGenuine();
}

function findSource(iss: unknown, sources: ReadonlyMap<string, Source>): Source {
  if (typeof iss !== 'string')
    throw new RelayError('token_claims', "The access token's `iss` is missing or not a string.");
  const source = sources.get(iss);
  if (source === undefined)
    throw new RelayError(
      'token_issuer',
      'The access token is from an issuer that this relay does not trust. The issuers it trusts are in its resource metadata.',
    );
  return source;
}

/**
 * Makes the verifier of all trusted issuers. Each issuer's keys verify that issuer's tokens only.
 *
 * @param issuers the trusted issuers
 * @param deps clock, fetch, log and, for tests, randomness and timing
 * @returns the verifier; call `start` to fetch keys ahead of the first token
 * @see RFC 9068 §4, RFC 8725 §3
 */
export function createVerifier(issuers: readonly IssuerConfig[], deps: IssuerDeps): Verifier {
  const sources: ReadonlyMap<string, Source> = new Map(
    issuers.map((config) => [config.issuer, { config, keys: createIssuerKeys(config, deps) }]),
  );
  const cache = createTokenCache(cachedTokens);

  function remembered(hash: string): Principal | undefined {
    const found = cache.get(hash);
    if (found === undefined) return undefined;
    const { principal } = found;
    if (sources.get(principal.issuer)?.keys.current() === found.keys) return principal;
    cache.delete(hash);
    return undefined;
  }

  async function verifyAnew(token: string, scheme: Credential['scheme']): Promise<Principal> {
    const jws = parseCompactJws(token);
    const header = checkHeader(jws.header);
    const { config, keys } = findSource(jws.claims['iss'], sources);
    checkProfile(header, config);
    const verifiedWith = await checkSignature(jws.parts, header, keys);
    checkClaims(jws.claims, config, deps.now());
    checkBinding(jws.claims, config, scheme);
    const { jti } = jws.claims;
    const tokenId = sha256(typeof jti === 'string' ? jti : token);
    const principal = principalFromClaims(jws.claims, config, tokenId);
    cache.set(sha256(token), { principal, keys: verifiedWith });
    return principal;
  }

  async function verify({ token, scheme }: Credential): Promise<Principal> {
    const principal = remembered(sha256(token));
    const config = principal && sources.get(principal.issuer)?.config;
    if (principal === undefined || config === undefined) return await verifyAnew(token, scheme);
    checkLifetime(principal.claims, config.clockToleranceMs, deps.now());
    checkBinding(principal.claims, config, scheme);
    return principal;
  }

  return {
    start: () => sources.forEach((source) => source.keys.start()),
    close: () => sources.forEach((source) => source.keys.close()),
    states: () => [...sources.values()].map((source) => source.keys.state()),
    verify,
  };
}
