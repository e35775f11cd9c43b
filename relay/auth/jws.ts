import { RelayError } from '../errors.ts';
import { isObject, parseJsonObject } from './json.ts';

/** A JWT in compact serialisation, taken apart; nothing of it is verified. */
export interface CompactJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The three parts as they were sent, which is what the signature covers. */
  readonly parts: {
    readonly protected: string;
    readonly payload: string;
    readonly signature: string;
  };
}

const BASE64URL = /^[A-Za-z0-9_-]*$/;
/** What a last character may be that stands for 2 bits and 4 spare ones, or for 4 bits and 2. */
const LAST_OF = { 2: /[AQgw]$/, 3: /[AEIMQUYcgkosw048]$/ } as const;

/** Decoders drop stray characters and spare bits; two spellings of one token would pass as two. */
function isCanonical(part: string): boolean {
  const left = part.length % 4;
  if (left === 1 || !BASE64URL.test(part)) return false;
  return left === 0 || LAST_OF[left as 2 | 3].test(part);
}

function decodeCanonical(part: string): Buffer {
  if (!isCanonical(part))
    throw new RelayError(
      'token_claims',
      'A part of the access token is not canonical base64url. Send the token exactly as it was issued.',
    );
  return Buffer.from(part, 'base64url');
}

function decodeObject(part: string, what: 'header' | 'claims'): Readonly<Record<string, unknown>> {
  const result = parseJsonObject(decodeCanonical(part));
  if (result.kind === 'object') return result.value;
  throw result.kind === 'not_json'
    ? new RelayError(
        'token_signature',
        `The access token's ${what} part is not JSON. Send the token exactly as it was issued.`,
      )
    : new RelayError('token_claims', `The access token's ${what} part is refused: ${result.why}.`);
}

/** Headers seen lately, by their parts as sent: an issuer's tokens share one, or a few. */
const headers = new Map<string, CompactJws['header']>();
const KEPT_HEADERS = 100;
const KEPT_LENGTH = 512;

function headerOf(part: string): CompactJws['header'] {
  const known = headers.get(part);
  if (known !== undefined) return known;
  const header = Object.freeze(decodeObject(part, 'header'));
  if (headers.size >= KEPT_HEADERS) headers.clear();
  if (part.length <= KEPT_LENGTH) headers.set(part, header);
  return header;
}

/**
 * Takes a JWT apart without trusting it.
 *
 * @param token compact serialisation
 * @returns header, claims and the parts as sent
 * @throws {token_signature} not three parts (an encrypted or opaque token), or a part is not JSON
 * @throws {token_claims} not an object, a member twice, or base64url that is not canonical
 * @see RFC 7515 §3.1, RFC 7519 §7.2
 */
export function parseCompactJws(token: string): CompactJws {
  const [protectedPart, payload, signature, ...more] = token.split('.', 6);
  if (
    protectedPart === undefined ||
    payload === undefined ||
    signature === undefined ||
    more.length > 0
  )
    throw new RelayError(
      'token_signature',
      more.length === 2
        ? 'Encrypted access tokens are refused. Have the issuer sign them only.'
        : 'The access token is not a signed JWT of three parts. Have the issuer send JWT access tokens for this resource.',
    );
  const header = headerOf(protectedPart);
  const claims = decodeObject(payload, 'claims');
  decodeCanonical(signature);
  return { header, claims, parts: { protected: protectedPart, payload, signature } };
}

function objectIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells whose a token is that could not be taken apart, as far as what is left of it tells. Whoever is shown a
 * damaged JWT of somebody else's has only to mend it to use it.
 *
 * @param token as it was sent
 * @returns `isSigned` when its header says how it is signed; the issuers that its parts name. Neither for opaque tokens,
 *   nor for encrypted ones, which only their issuer can read
 */
export function readDamaged(token: string): {
  readonly isSigned: boolean;
  readonly issuers: readonly string[];
} {
  const parts = token.split('.', 10).map(objectIn);
  const [header] = parts;
  return {
    isSigned: header !== undefined && 'alg' in header && !('enc' in header),
    issuers: parts.map((part) => part?.['iss']).filter((iss) => typeof iss === 'string'),
  };
}
