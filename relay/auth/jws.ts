import { RelayError } from '../errors.ts';
import { parseJsonObject } from './json.ts';

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

function decodeCanonical(part: string): Uint8Array {
  const bytes = Buffer.from(part, 'base64url');
  // Decoders drop stray characters and spare bits; two spellings of one token would pass as two.
  if (bytes.toString('base64url') !== part)
    throw new RelayError(
      'token_claims',
      'A part of the access token is not canonical base64url. Send the token exactly as it was issued.',
    );
  return bytes;
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
  const header = decodeObject(protectedPart, 'header');
  const claims = decodeObject(payload, 'claims');
  decodeCanonical(signature);
  return { header, claims, parts: { protected: protectedPart, payload, signature } };
}
