import type { TokenSet } from './token-set.ts';
import { createHash } from 'node:crypto';

/** What may be told of an access token: neither the token nor anything about the person. */
export interface TokenFacts {
  /** `opaque`: only the provider can look into it; an encrypted JWT is opaque to us, too. */
  readonly form: 'jwt' | 'opaque';
  /** Who was asked for it. */
  readonly issuer: string;
  readonly type: 'bearer' | 'dpop';
  /** As the provider said when it gave the token, or as asked for where it said nothing (RFC 6749 §5.1). */
  readonly granted?: readonly string[];
  readonly lifeMs: number;
  /** Only of a JWT. */
  readonly claims?: TokenClaims;
}

/** What a JWT says of itself, unverified: the relay verifies it. */
export interface TokenClaims {
  readonly issuer?: string;
  readonly audience: readonly string[];
  readonly scopes?: readonly string[];
  /** The key that a proof must be made with (RFC 9449 §6), or a certificate (RFC 8705 §3.1). */
  readonly boundTo: 'nothing' | 'our key' | 'another key' | 'a certificate';
}

const MOST_NAMES = 100;
const LONGEST_NAME = 300;

/**
 * Looks into an access token for what support needs.
 *
 * @param tokens the session's
 * @returns what may be told
 */
export function tokenFacts(tokens: TokenSet): TokenFacts {
  const { accessToken, issuer, tokenType, scope, obtainedAtMs, expiresAtMs } = tokens;
  const payload = payloadOf(accessToken);
  return {
    form: payload === undefined ? 'opaque' : 'jwt',
    issuer,
    type: tokenType,
    ...(scope !== undefined && { granted: names(scope) }),
    lifeMs: expiresAtMs - obtainedAtMs,
    ...(payload !== undefined && { claims: claimsOf(payload, tokens) }),
  };
}

type Payload = Readonly<Record<string, unknown>>;

/** @see RFC 7515 §3.1 */
function payloadOf(token: string): Payload | undefined {
  const [header, payload, signature, ...more] = token.split('.');
  if (!header || !payload || signature === undefined || more.length > 0) return undefined;
  return parsed(header) && parsed(payload);
}

function parsed(part: string): Payload | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function claimsOf(payload: Payload, tokens: TokenSet): TokenClaims {
  const { iss, aud, scope, scp, cnf } = payload;
  const scopes = scope ?? scp;
  return {
    ...(typeof iss === 'string' && { issuer: iss.slice(0, LONGEST_NAME) }),
    audience: names(typeof aud === 'string' ? [aud] : aud),
    ...(scopes !== undefined && { scopes: names(scopes) }),
    boundTo: boundTo(cnf, tokens),
  };
}

function boundTo(cnf: unknown, { dpopKey }: TokenSet): TokenClaims['boundTo'] {
  if (!isObject(cnf)) return 'nothing';
  if (typeof cnf['jkt'] === 'string') {
    const ours = dpopKey && thumbprint(dpopKey);
    return cnf['jkt'] === ours ? 'our key' : 'another key';
  }
  return cnf['x5t#S256'] === undefined ? 'nothing' : 'a certificate';
}

/** @see RFC 7638 §3 */
function thumbprint({ crv, kty, x, y }: NonNullable<TokenSet['dpopKey']>): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** A list, or names with spaces between them. */
function names(value: unknown): readonly string[] {
  const list: readonly unknown[] =
    typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  return list
    .filter((name) => typeof name === 'string' && name !== '')
    .slice(0, MOST_NAMES)
    .map((name) => String(name).slice(0, LONGEST_NAME));
}
