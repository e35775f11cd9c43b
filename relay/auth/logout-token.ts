import { createHash } from 'node:crypto';
import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { CheckedHeader } from './checks.ts';
import type { IssuerKeys } from './jwks.ts';
import { isObject } from './json.ts';
import { parseCompactJws } from './jws.ts';
import type { CompactJws } from './jws.ts';
import { isSupportedAlgorithm } from './keys.ts';
import { checkSignature } from './signature.ts';

/** Whose session an issuer ended. */
export interface Logout {
  readonly issuer: string;
  /** At least one of `subject` and `sid` is there. */
  readonly subject?: string;
  readonly sid?: string;
  readonly issuedAtMs: number;
  /** Hex SHA-256 that names this logout token, to tell when it is sent again. */
  readonly id: string;
  /** When a copy of it would be refused as expired; epoch ms. */
  readonly goodUntilMs: number;
}

/** Reads logout tokens. */
export interface LogoutTokens {
  /**
   * @throws {bad_request} the token is not one that may end sessions; the message says why
   * @throws {issuer_unavailable} the issuer's keys cannot be had
   */
  readonly verify: (token: string) => Promise<Logout>;
}

/** What reading logout tokens needs. */
export interface LogoutTokenDeps {
  readonly now: () => number;
  readonly keysOf: (issuer: IssuerConfig) => IssuerKeys;
  /** The protected resource's identifier, an audience beside the desktop client. */
  readonly resource: string;
  /** The console's client at its issuer, if people sign in there. */
  readonly console?: { readonly issuer: string; readonly clientId: string } | undefined;
}

type Members = Readonly<Record<string, unknown>>;

const event = 'http://schemas.openid.net/event/backchannel-logout';
const types: ReadonlySet<unknown> = new Set(['logout+jwt', 'application/logout+jwt', 'jwt']);
/** Some issuers leave `exp` out, though it is required; theirs are good for this long. */
const withoutExpMs = 600_000;
/** A used `jti` must be remembered as long as the token is good, so that is bounded. */
const longestMs = 86_400_000;

function refused(why: string): RelayError {
  return new RelayError('bad_request', `The logout token is refused: ${why}`);
}

function take(token: string): CompactJws {
  try {
    return parseCompactJws(token);
  } catch (error) {
    throw new RelayError(
      'bad_request',
      'The logout token is refused: it is not a signed JWT in canonical compact serialisation.',
      { cause: error },
    );
  }
}

function checkHeader(header: Members, issuer: IssuerConfig): Pick<CheckedHeader, 'alg' | 'kid'> {
  const { crit, typ, alg, kid } = header;
  if (crit !== undefined) throw refused('its header has `crit`.');
  if (typeof typ !== 'string' || !types.has(typ.toLowerCase()))
    throw refused('the `typ` of its header is neither `logout+jwt` nor `JWT`.');
  if (typeof alg !== 'string' || !isSupportedAlgorithm(alg) || !issuer.algorithms.includes(alg))
    throw refused('its `alg` is not one that this relay allows for the issuer.');
  if (kid !== undefined && typeof kid !== 'string') throw refused('its `kid` is not a string.');
  return { alg, kid };
}

async function checkGenuine(
  jws: CompactJws,
  header: Pick<CheckedHeader, 'alg' | 'kid'>,
  keys: IssuerKeys,
): Promise<void> {
  try {
    await checkSignature(jws.parts, header, keys);
  } catch (error) {
    if (error instanceof RelayError && error.code === 'issuer_unavailable') throw error;
    throw refused('it is not signed by a key that its issuer publishes.');
  }
}

function dateOf(claims: Members, name: 'iat' | 'exp' | 'nbf'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  // 9999-12-31T23:59:59Z is the last second that RFC 3339 can write.
  if (typeof value !== 'number' || !(value >= 0 && value <= 253_402_300_799))
    throw refused(`its \`${name}\` is not a date in seconds since 1970.`);
  return value * 1000;
}

/** @returns when it was issued, and until when it is good */
function checkDates(
  claims: Members,
  toleranceMs: number,
  nowMs: number,
): Pick<Logout, 'issuedAtMs' | 'goodUntilMs'> {
  const issuedAtMs = dateOf(claims, 'iat');
  if (issuedAtMs === undefined) throw refused('it has no `iat`.');
  const notBeforeMs = dateOf(claims, 'nbf') ?? issuedAtMs;
  if (Math.max(issuedAtMs, notBeforeMs) > nowMs + toleranceMs)
    throw refused('its `iat` or `nbf` lies in the future. Compare the clocks.');
  const expMs = dateOf(claims, 'exp') ?? issuedAtMs + withoutExpMs;
  const goodUntilMs = Math.min(expMs, issuedAtMs + longestMs) + toleranceMs;
  if (nowMs >= goodUntilMs) throw refused('it has expired.');
  return { issuedAtMs, goodUntilMs };
}

function checkAudience(aud: unknown, allowed: readonly (string | undefined)[]): void {
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const ours = values.some((value) => typeof value === 'string' && allowed.includes(value));
  if (!ours || !values.every((value) => typeof value === 'string'))
    throw refused('its `aud` is neither the desktop client, nor the console, nor this relay.');
}

function checkEvent(claims: Members): void {
  const { events } = claims;
  if (!isObject(events) || !Object.hasOwn(events, event) || !isObject(events[event]))
    throw refused(`its \`events\` has no object named ${event}.`);
  // With one, an ID token could be passed off as a logout token, or the other way round.
  if (Object.hasOwn(claims, 'nonce')) throw refused('it has a `nonce`.');
}

function textOf(claims: Members, name: 'jti' | 'sub' | 'sid'): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '')
    throw refused(`its \`${name}\` is not a string, or empty.`);
  return value;
}

function checkIdentifiers(claims: Members): Pick<Logout, 'subject' | 'sid'> & { jti: string } {
  const [jti, subject, sid] = [textOf(claims, 'jti'), textOf(claims, 'sub'), textOf(claims, 'sid')];
  if (jti === undefined) throw refused('it has no `jti`.');
  if (subject === undefined && sid === undefined)
    throw refused('it has neither `sub` nor `sid`, so it names no session.');
  return {
    jti,
    ...(subject === undefined ? {} : { subject }),
    ...(sid === undefined ? {} : { sid }),
  };
}

/**
 * Reads logout tokens of all trusted issuers. Each issuer's keys verify that issuer's tokens only.
 *
 * @param issuers the trusted issuers
 * @param deps clock, keys and this relay's own name
 * @returns the reader
 * @see OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6
 */
export function createLogoutTokens(
  issuers: readonly IssuerConfig[],
  deps: LogoutTokenDeps,
): LogoutTokens {
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  return {
    async verify(token) {
      const jws = take(token);
      const { claims } = jws;
      const issuer = typeof claims['iss'] === 'string' ? byName.get(claims['iss']) : undefined;
      if (issuer === undefined) throw refused('its `iss` is no issuer that this relay trusts.');
      await checkGenuine(jws, checkHeader(jws.header, issuer), deps.keysOf(issuer));
      const ofConsole = deps.console?.issuer === issuer.issuer ? deps.console.clientId : undefined;
      checkAudience(claims['aud'], [issuer.desktop?.clientId, ofConsole, deps.resource]);
      checkEvent(claims);
      const dates = checkDates(claims, issuer.clockToleranceMs, deps.now());
      const { jti, ...whose } = checkIdentifiers(claims);
      const id = createHash('sha256')
        .update(JSON.stringify(['logout', issuer.issuer, jti]))
        .digest('hex');
      return { issuer: issuer.issuer, ...whose, ...dates, id };
    },
  };
}
