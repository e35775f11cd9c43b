import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import { checkAudience, checkLifetime, notAnAccessToken, refuseOtherTokens } from './checks.ts';
import { principalFromClaims } from './claims.ts';
import { parseJsonObject } from './json.ts';
import type { Principal } from './principal.ts';

type Members = Readonly<Record<string, unknown>>;

/** What an issuer says of a token. */
export type IntrospectionAnswer =
  { readonly kind: 'inactive' } | { readonly kind: 'active'; readonly claims: Members };

/**
 * How long a token without `exp` counts as good from the moment that it was found active. Only
 * streams notice: a request asks again as soon as the answer is too old for the cache.
 */
const assumedLifeMs = 5 * 60_000;
/** `token_type` values of access tokens: RFC 6750, RFC 9449, and what token exchange calls them. */
const accessTokenTypes: ReadonlySet<string> = new Set([
  'bearer',
  'dpop',
  'access_token',
  'urn:ietf:params:oauth:token-type:access_token',
]);

/**
 * Reads an introspection response.
 *
 * @param bytes the body of a 200, JSON
 * @returns what it says; the members of an active token without `active`
 * @throws {Error} it is no JSON object, has a member twice, or `active` is not a boolean
 * @see RFC 7662 §2.2
 */
export function readAnswer(bytes: Uint8Array): IntrospectionAnswer {
  const result = parseJsonObject(Buffer.from(bytes));
  if (result.kind === 'not_json') throw new Error('the answer is not JSON');
  if (result.kind === 'refused') throw new Error(`the answer is refused: ${result.why}`);
  const { active, ...claims } = result.value;
  if (typeof active !== 'boolean') throw new Error('the answer has no boolean `active`');
  return active ? { kind: 'active', claims } : { kind: 'inactive' };
}

function refuseForeign(claims: Members, issuer: IssuerConfig): void {
  const { iss, aud, token_type: type } = claims;
  if (iss !== undefined && iss !== issuer.issuer)
    throw new RelayError('token_issuer', 'The access token is from another issuer.');
  if (type !== undefined && (typeof type !== 'string' || !accessTokenTypes.has(type.toLowerCase())))
    throw notAnAccessToken();
  refuseOtherTokens(claims);
  // An empty list is the administrator's word that this issuer's tokens name no audience.
  if (issuer.audience.length > 0) checkAudience(aud, issuer.audience);
}

/** Where people are named by `username`, an answer without `sub` names its subject that way too. */
function subjectOf(claims: Members, issuer: IssuerConfig): unknown {
  if (claims['sub'] !== undefined || issuer.claims.user !== 'username') return claims['sub'];
  return claims['username'];
}

/**
 * Makes the principal out of what an issuer says of an active token. The issuer vouches for
 * signature and profile; whether the token is for this relay is still checked here.
 *
 * @param claims the members of the answer
 * @param issuer the issuer that was asked
 * @param tokenId hex SHA-256 of the token or its jti
 * @param nowMs when it was asked, milliseconds since the epoch
 * @returns who is calling
 * @throws {token_issuer} `iss` is another
 * @throws {token_type} it is a refresh, ID or logout token
 * @throws {token_audience} `aud` is missing or has none of the configured audiences
 * @throws {token_expired} {token_not_yet_valid} the issuer calls it active, its dates do not
 * @throws {token_claims} no subject or user, a date that is none, a malformed list
 * @see RFC 7662 §2.2, §4
 */
export function principalFromAnswer(
  claims: Members,
  issuer: IssuerConfig,
  tokenId: string,
  nowMs: number,
): Principal {
  refuseForeign(claims, issuer);
  const complete = {
    ...claims,
    sub: subjectOf(claims, issuer),
    exp: claims['exp'] === undefined ? Math.floor((nowMs + assumedLifeMs) / 1000) : claims['exp'],
  };
  checkLifetime(complete, issuer.clockToleranceMs, nowMs);
  return principalFromClaims(complete, { ...issuer, profile: 'compat' }, tokenId);
}
