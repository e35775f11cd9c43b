import type { Revocable, Revocation } from './shared-state.ts';

const kinds: ReadonlySet<unknown> = new Set<Revocation['kind']>([
  'jti',
  'sid',
  'sub',
  'sub_without_sid',
]);

/**
 * Writes a revocation as one line of JSON, as files and Redis keep it.
 *
 * @param revocation what was revoked
 * @returns JSON without a line break
 */
export function writeEntry(revocation: Revocation): string {
  const { issuer, kind, value, revokedAtMs, expiresAtMs } = revocation;
  return JSON.stringify({ issuer, kind, value, revokedAtMs, expiresAtMs });
}

/**
 * Reads what {@link writeEntry} wrote.
 *
 * @param text one line
 * @returns the revocation; undefined when it is none
 */
export function readEntry(text: string): Revocation | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { issuer, kind, value, revokedAtMs, expiresAtMs } = parsed as Record<string, unknown>;
  const sound =
    typeof issuer === 'string' &&
    kinds.has(kind) &&
    typeof value === 'string' &&
    Number.isFinite(revokedAtMs) &&
    Number.isFinite(expiresAtMs);
  if (!sound) return undefined;
  return { issuer, kind, value, revokedAtMs, expiresAtMs } as Revocation;
}

/**
 * Names what a revocation is about; two of one name are about the same token, session or person.
 *
 * @param revocation what was revoked
 * @returns a key for maps
 */
export function entryKey({ issuer, kind, value }: Revocation): string {
  return JSON.stringify([issuer, kind, value]);
}

/**
 * Tells whether one revocation concerns a token.
 *
 * @param revocation what was revoked
 * @param token the token's identifiers
 * @returns true when the token must no longer be used
 */
export function concerns(revocation: Revocation, token: Revocable): boolean {
  if (revocation.issuer !== token.issuer) return false;
  const { kind, value } = revocation;
  if (kind === 'jti') return token.jti === value;
  if ((token.issuedAtMs ?? 0) > revocation.revokedAtMs) return false;
  if (kind === 'sid') return token.sid === value;
  return token.subject === value && (kind === 'sub' || token.sid === undefined);
}
