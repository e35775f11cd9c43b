import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import { isSupportedAlgorithm } from './keys.ts';

type Members = Readonly<Record<string, unknown>>;

/** The parts of a JOSE header that verification uses; all else in it is ignored. */
export interface CheckedHeader {
  readonly alg: string;
  readonly kid: string | undefined;
  /** Lower case, without `application/`; undefined when the header has none. */
  readonly typ: string | undefined;
}

/** 9999-12-31T23:59:59Z, the last second that RFC 3339 can write. */
const lastSecond = 253_402_300_799;
/** What Keycloak writes into the claim `typ` of tokens that are not access tokens. */
const otherTokenTypes: ReadonlySet<string> = new Set(['id', 'refresh', 'offline', 'logout']);
const idTokenClaims = ['nonce', 'at_hash', 'c_hash', 's_hash'];

function refused(detail: string): RelayError {
  return new RelayError('token_claims', detail);
}

/**
 * Says that a token is of another kind, in the words of the refusal.
 *
 * @returns a 401 that names the kind that is wanted
 */
export function notAnAccessToken(): RelayError {
  return new RelayError(
    'token_type',
    'This token is not an access token for APIs. Send the access_token of the token response, not the id_token.',
  );
}

/**
 * Checks what of a JOSE header can be judged before the issuer is known. `jwk`, `jku`, `x5u` and
 * `x5c` are never looked at: keys come from the issuer's own set only.
 *
 * @param header the decoded header
 * @returns algorithm, key id and type
 * @throws {token_signature} `crit` names an extension, and none is understood
 * @throws {token_type} `typ` is that of no access token
 * @throws {token_algorithm} `alg` is none, symmetric or unknown
 * @throws {token_claims} `kid` is not a string
 * @see RFC 7515 §4.1, RFC 8725 §3
 */
export function checkHeader(header: Members): CheckedHeader {
  const { crit, typ, alg, kid } = header;
  if (crit !== undefined)
    throw new RelayError(
      'token_signature',
      "The access token's header has `crit`, and this relay understands no such extension.",
    );
  if (typ !== undefined && typeof typ !== 'string') throw notAnAccessToken();
  const type = typ?.toLowerCase().replace(/^application\//, '');
  if (type !== undefined && type !== 'jwt' && type !== 'at+jwt') throw notAnAccessToken();
  if (typeof alg !== 'string' || !isSupportedAlgorithm(alg))
    throw new RelayError(
      'token_algorithm',
      'The access token is not signed with an asymmetric algorithm. Have the issuer use RS256, PS256, ES256 or EdDSA.',
    );
  if (kid !== undefined && typeof kid !== 'string')
    throw refused("The `kid` in the access token's header is not a string.");
  return { alg, kid, typ: type };
}

/**
 * Checks a header against what its issuer may send.
 *
 * @param header the checked header
 * @param issuer the issuer that the token names
 * @throws {token_type} strict, and `typ` is not at+jwt
 * @throws {token_algorithm} the algorithm is not allowed for this issuer
 * @see RFC 9068 §4
 */
export function checkProfile(header: CheckedHeader, issuer: IssuerConfig): void {
  if (issuer.profile === 'strict' && header.typ !== 'at+jwt') throw notAnAccessToken();
  if (!issuer.algorithms.includes(header.alg))
    throw new RelayError(
      'token_algorithm',
      'The access token is signed with an algorithm that is not allowed for its issuer.',
    );
}

function dateOf(claims: Members, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= 0 && value <= lastSecond))
    throw refused(`The access token's \`${name}\` is not a date in seconds since 1970.`);
  return value * 1000;
}

/**
 * Checks the dates of a token; also at each use of a token verified before.
 *
 * @param claims the token's claims
 * @param toleranceMs how far clocks may differ
 * @param nowMs the time, milliseconds since the epoch
 * @throws {token_expired} `exp` has passed
 * @throws {token_not_yet_valid} `nbf` has not come
 * @throws {token_claims} `exp` is missing, a date is no date, or `iat` lies in the future
 * @see RFC 7519 §4.1.4
 */
export function checkLifetime(claims: Members, toleranceMs: number, nowMs: number): void {
  const expMs = dateOf(claims, 'exp');
  const nbfMs = dateOf(claims, 'nbf');
  const iatMs = dateOf(claims, 'iat');
  if (expMs === undefined) throw refused('The access token has no `exp`.');
  if (nowMs >= expMs + toleranceMs)
    throw new RelayError('token_expired', 'The access token has expired. Get a new one.');
  if (nbfMs !== undefined && nowMs < nbfMs - toleranceMs)
    throw new RelayError(
      'token_not_yet_valid',
      'The access token is not valid yet. Wait, or compare the clocks of issuer and relay.',
    );
  if (iatMs !== undefined && nowMs < iatMs - toleranceMs)
    throw refused(
      "The access token's `iat` lies in the future. Compare the clocks of issuer and relay.",
    );
}

/**
 * Checks that a token is for this relay.
 *
 * @param aud the claim, a string or a list
 * @param allowed the configured audiences
 * @throws {token_audience} `aud` is missing, malformed or has none of them
 * @see RFC 7519 §4.1.3
 */
export function checkAudience(aud: unknown, allowed: readonly string[]): void {
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (
    !values.every((value) => typeof value === 'string') ||
    !values.some((value) => allowed.includes(value))
  )
    throw new RelayError(
      'token_audience',
      'The access token is for another audience. Ask the issuer for one whose `aud` is this relay (RFC 8707 `resource`).',
    );
}

function checkText(claims: Members, name: string, required: boolean): void {
  const value = claims[name];
  if (value === undefined && !required) return;
  if (typeof value !== 'string' || value === '')
    throw refused(`The access token's \`${name}\` is missing or not a string.`);
}

/**
 * Refuses ID, refresh and logout tokens by their claims. Compat tokens carry no `typ` to go by, so
 * what is known of other tokens is refused one by one.
 *
 * @param claims the token's claims
 * @throws {token_type} they are those of another kind of token
 * @see RFC 8725 §3.11
 */
export function refuseOtherTokens(claims: Members): void {
  const type = typeof claims['typ'] === 'string' ? claims['typ'].toLowerCase() : undefined;
  const use = claims['token_use'];
  if (claims['events'] !== undefined) throw notAnAccessToken();
  // Amazon Cognito's ID tokens need have no other mark; Ory Hydra says `refresh_token` here.
  if (use !== undefined && use !== 'access' && use !== 'access_token') throw notAnAccessToken();
  if (type !== undefined && otherTokenTypes.has(type)) throw notAnAccessToken();
  // Keycloak before 25 put `nonce` into access tokens too, and says `typ: Bearer` in those.
  if (type === 'bearer' || type === 'dpop') return;
  if (idTokenClaims.some((name) => claims[name] !== undefined)) throw notAnAccessToken();
}

/**
 * Checks the claims of a token whose signature holds.
 *
 * @param claims the token's claims
 * @param issuer the issuer's configuration
 * @param nowMs the time, milliseconds since the epoch
 * @throws {token_issuer} `iss` is not this issuer, compared exactly
 * @throws {token_type} compat, and this is an ID, logout or refresh token
 * @throws {token_audience} `aud` is missing or has none of the configured audiences
 * @throws {token_expired} `exp` has passed
 * @throws {token_not_yet_valid} `nbf` has not come
 * @throws {token_claims} a required claim is missing, or a claim is malformed
 * @see RFC 9068 §2.2, §4
 */
export function checkClaims(claims: Members, issuer: IssuerConfig, nowMs: number): void {
  const strict = issuer.profile === 'strict';
  if (claims['iss'] !== issuer.issuer)
    throw new RelayError('token_issuer', 'The access token names another issuer.');
  if (!strict) refuseOtherTokens(claims);
  checkAudience(claims['aud'], issuer.audience);
  checkLifetime(claims, issuer.clockToleranceMs, nowMs);
  checkText(claims, 'sub', true);
  checkText(claims, 'client_id', strict);
  checkText(claims, 'jti', strict);
  if (strict && claims['iat'] === undefined) throw refused('The access token has no `iat`.');
}
