import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import { isObject } from './json.ts';
import type { Principal } from './principal.ts';

type Claims = Readonly<Record<string, unknown>>;

function refused(detail: string): RelayError {
  return new RelayError('token_claims', detail);
}

/**
 * Finds a claim by its configured name: first a member of exactly that name, since names may be
 * URLs with dots in them, then a path of members.
 *
 * @param claims the token's claims
 * @param path a name, or names joined by dots
 * @returns the value; undefined when there is none
 */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function textAt(claims: Claims, path: string): string | undefined {
  const value = claimAt(claims, path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Anything but strings is refused whole: a list read in part could slip past a deny rule. */
function textsOf(value: unknown, name: string, split: (text: string) => string[]): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return split(value);
  if (!Array.isArray(value) || !value.every((element) => typeof element === 'string'))
    throw refused(
      `The access token's claim \`${name}\` is neither a string nor a list of strings.`,
    );
  return [...value];
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const whole = (text: string): string[] => (text === '' ? [] : [text]);

function scopesOf(claims: Claims, profile: IssuerConfig['profile']): readonly string[] {
  const { scope, scp } = claims;
  if (profile === 'compat')
    return [...new Set([...textsOf(scope, 'scope', words), ...textsOf(scp, 'scp', words)])];
  if (scope !== undefined && typeof scope !== 'string')
    throw refused("The access token's claim `scope` is not a string, as RFC 9068 wants it.");
  return [...new Set(words(scope ?? ''))];
}

/** RFC 9068; OpenID Connect; Okta; Entra ID v1. */
const compatClientIds = ['client_id', 'azp', 'cid', 'appid'];

function clientIdOf(claims: Claims, profile: IssuerConfig['profile']): string | undefined {
  const names = profile === 'strict' ? ['client_id'] : compatClientIds;
  return names
    .map((name) => claims[name])
    .find((value): value is string => typeof value === 'string' && value !== '');
}

/** `username` is what introspection (RFC 7662 §2.2) and Amazon Cognito call it; Entra ID v1 has the last. */
function userNameOf(claims: Claims): string | undefined {
  return ['name', 'preferred_username', 'username', 'unique_name']
    .map((name) => textAt(claims, name))
    .find((value) => value !== undefined);
}

function userOf(claims: Claims, path: string): string {
  const user = textAt(claims, path);
  // Falling back to `sub` would let a subject chosen elsewhere pass for a person's name here.
  if (user === undefined)
    throw refused(
      `The access token lacks the claim \`${path}\`, by which this relay names people. Have the issuer add it to access tokens.`,
    );
  return user;
}

/** By what a token may be revoked. */
function revocable(claims: Claims): Pick<Principal, 'jti' | 'sid' | 'issuedAtMs'> {
  const { jti, sid, iat } = claims;
  return {
    ...(typeof jti === 'string' ? { jti } : {}),
    ...(typeof sid === 'string' ? { sid } : {}),
    ...(typeof iat === 'number' && Number.isFinite(iat) ? { issuedAtMs: iat * 1000 } : {}),
  };
}

function bindingOf(cnf: unknown): Principal['binding'] {
  if (cnf === undefined) return 'none';
  if (!isObject(cnf)) throw refused("The access token's `cnf` is not an object.");
  if (cnf['jkt'] !== undefined) return 'dpop';
  if (cnf['x5t#S256'] !== undefined) return 'mtls';
  throw new RelayError(
    'token_binding',
    'The access token is bound in a way that this relay cannot check; it knows `jkt` and `x5t#S256`.',
  );
}

/**
 * Refuses claims that are said to be elsewhere: Entra ID does so with the groups of people who are
 * in many. Read as none, they would slip past a rule that denies a group.
 *
 * @see OpenID Connect Core 1.0 §5.6.2
 */
function refuseDistributed(claims: Claims, paths: readonly string[]): void {
  const { _claim_names: names } = claims;
  if (names === undefined) return;
  for (const path of paths) {
    const [first = path] = Object.hasOwn(claims, path) ? [path] : path.split('.');
    if (!isObject(names) || Object.hasOwn(names, first) || Object.hasOwn(names, path))
      throw refused(
        `The access token leaves the claim \`${first}\` out and refers to another place for it. Have the issuer put it into access tokens, or send fewer groups or roles.`,
      );
  }
}

const YEAR_10000_SECONDS = 253_402_300_800;

/** What no calendar has is no time: a rule that asks for a recent sign-in is not met by it, and records stay readable. */
function isMoment(seconds: unknown): seconds is number {
  return typeof seconds === 'number' && seconds >= 0 && seconds < YEAR_10000_SECONDS;
}

/**
 * Makes the principal out of claims that have been verified.
 *
 * @param claims the claims of an access token of this issuer
 * @param issuer the issuer's configuration, which names the claims to read
 * @param tokenId hex SHA-256 of jti, or of the token
 * @returns who is calling
 * @throws {token_claims} no subject, expiry or user, or a list of scopes, roles or groups that is malformed
 */
export function principalFromClaims(
  claims: Claims,
  issuer: IssuerConfig,
  tokenId: string,
): Principal {
  const { sub, exp, auth_time: authTime, acr } = claims;
  if (typeof sub !== 'string' || sub === '') throw refused('The access token has no `sub`.');
  if (typeof exp !== 'number') throw refused('The access token has no `exp`.');
  refuseDistributed(claims, [issuer.claims.roles, issuer.claims.groups]);
  const email = textAt(claims, issuer.claims.email);
  const userName = userNameOf(claims) ?? email;
  const clientId = clientIdOf(claims, issuer.profile);
  return {
    issuer: issuer.issuer,
    subject: sub,
    user: userOf(claims, issuer.claims.user),
    ...(email === undefined ? {} : { email }),
    ...(userName === undefined ? {} : { userName }),
    ...(clientId === undefined ? {} : { clientId }),
    scopes: scopesOf(claims, issuer.profile),
    roles: textsOf(claimAt(claims, issuer.claims.roles), issuer.claims.roles, whole),
    groups: textsOf(claimAt(claims, issuer.claims.groups), issuer.claims.groups, whole),
    claims,
    expiresAtMs: Math.floor(exp * 1000),
    acceptedUntilMs: Math.floor(exp * 1000) + issuer.clockToleranceMs,
    ...(isMoment(authTime) ? { authTime } : {}),
    ...(typeof acr === 'string' ? { acr } : {}),
    ...revocable(claims),
    tokenId,
    binding: bindingOf(claims['cnf']),
  };
}
