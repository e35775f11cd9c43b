import { RelayError } from '../errors.ts';
import type { CheckedHeader } from './checks.ts';
import { issuerUnavailable } from './jwks.ts';
import type { IssuerKeys } from './jwks.ts';
import type { CompactJws } from './jws.ts';
import { isSignedBy } from './jws-signature.ts';
import type { KeySet } from './keys.ts';

function notGenuine(): RelayError {
  return new RelayError(
    'token_signature',
    'The access token is not signed by a key that its issuer publishes. Get a new one.',
  );
}

/**
 * Checks a signature against the keys that its issuer publishes, fetching them once more for a kid
 * that is new.
 *
 * @param parts the token as sent
 * @param header its checked header
 * @param issuer the keys of the issuer that it names
 * @returns the keys with which the signature holds
 * @throws {token_signature} no published key made it
 * @throws {token_algorithm} its key is for another algorithm
 * @throws {issuer_unavailable} the key may be one that cannot be fetched now
 * @see RFC 7515 §5.2
 */
export async function checkSignature(
  parts: CompactJws['parts'],
  header: Pick<CheckedHeader, 'alg' | 'kid'>,
  issuer: IssuerKeys,
): Promise<KeySet> {
  const tryKeys = (keys: KeySet): 'holds' | 'fails' | 'unknown' => {
    const lookup = keys.find(header.kid, header.alg);
    if (lookup.kind === 'other_algorithm')
      throw new RelayError(
        'token_algorithm',
        "The access token's algorithm is not the one that its key is for.",
      );
    if (lookup.keys.some((key) => isSignedBy(parts, header.alg, key))) return 'holds';
    return lookup.kind === 'known' ? 'fails' : 'unknown';
  };
  const before = await issuer.usable();
  const first = tryKeys(before);
  if (first === 'holds') return before;
  if (first === 'fails') throw notGenuine();
  await issuer.refetch();
  const after = await issuer.usable();
  const second = after === before ? first : tryKeys(after);
  if (second === 'holds') return after;
  // An outage must not turn a good token, signed with a new key, into a 401.
  if (second === 'unknown' && !issuer.reachable()) throw issuerUnavailable();
  throw notGenuine();
}
