import { createIssuerKeys } from '../auth/jwks.ts';
import { parseCompactJws } from '../auth/jws.ts';
import { createIssuerPool } from '../auth/pool.ts';
import { createVerifier } from '../auth/verify.ts';
import type { RelayConfig } from '../config/config.ts';
import { RelayError } from '../errors.ts';

type Claims = Readonly<Record<string, unknown>>;

/**
 * Reads a token's claims without verifying anything.
 *
 * @param token a JWT
 * @returns its claims
 * @throws {token_signature} {token_claims} it is no JWT
 */
export function decodedClaims(token: string): Claims {
  return parseCompactJws(token).claims;
}

/**
 * Verifies a token as the relay would, but for what only a request can show: possession of its key,
 * and whether it was revoked.
 *
 * @param config whose issuers are trusted; their keys are fetched
 * @param token a JWT
 * @returns its claims
 * @throws {RelayError} `token_*`, `issuer_unavailable`
 */
export async function verifiedClaims(config: RelayConfig, token: string): Promise<Claims> {
  const issuers = config.issuers.filter((issuer) => issuer.tokens === 'jwt');
  const pool = createIssuerPool({
    createKeys: (issuer) => createIssuerKeys(issuer, { now: Date.now, fetch }),
    createIntrospector: () => {
      throw new RelayError('token_issuer', 'Opaque tokens cannot be explained; use --claims.');
    },
  });
  const { cnf } = decodedClaims(token) as { cnf?: { jkt?: unknown; 'x5t#S256'?: unknown } };
  const certificate = typeof cnf?.['x5t#S256'] === 'string' ? cnf['x5t#S256'] : undefined;
  const verifier = createVerifier(issuers, {
    now: Date.now,
    ...pool,
    state: { isRevoked: () => false },
    proofs: { check: () => Promise.resolve() },
  });
  try {
    const scheme = cnf?.jkt === undefined ? 'bearer' : 'dpop';
    const shown = { method: '', htu: '', proofs: [], certificateThumbprint: () => certificate };
    return (await verifier.verify({ scheme, token }, shown)).claims;
  } finally {
    pool.retain([]);
  }
}
