import { importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { isObject } from './json.ts';

/** The key type and curve that each algorithm is bound to; symmetric ones and `none` are absent. */
const keyTypes: ReadonlyMap<string, { readonly kty: string; readonly crv?: string }> = new Map<
  string,
  { readonly kty: string; readonly crv?: string }
>([
  ['RS256', { kty: 'RSA' }],
  ['RS384', { kty: 'RSA' }],
  ['RS512', { kty: 'RSA' }],
  ['PS256', { kty: 'RSA' }],
  ['PS384', { kty: 'RSA' }],
  ['PS512', { kty: 'RSA' }],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519' }],
  ['Ed25519', { kty: 'OKP', crv: 'Ed25519' }],
]);

const maxKeys = 100;
const maxKeysPerKid = 3;
const rsaBits = { min: 2048, max: 8192 };

/** What a key set says of one token's header. */
export type KeyLookup =
  /** Keys of that kid; more than one only where the issuer gave a kid twice. */
  | { readonly kind: 'known'; readonly keys: readonly CryptoKey[] }
  /** The kid is known, but its key is not for that algorithm. */
  | { readonly kind: 'other_algorithm' }
  /** No such kid, or none named; `keys` has the key to try when there is exactly one for the algorithm. */
  | { readonly kind: 'unknown'; readonly keys: readonly CryptoKey[] };

/** The usable public keys of one issuer at one time. */
export interface KeySet {
  readonly size: number;
  readonly find: (kid: string | undefined, alg: string) => KeyLookup;
}

interface ImportedKey {
  readonly kid: string | undefined;
  readonly byAlgorithm: ReadonlyMap<string, CryptoKey>;
}

/**
 * Tells whether an algorithm is an asymmetric one that the relay can check; names compare exactly.
 *
 * @param alg a JWS `alg`
 * @returns false for `none`, HMAC and anything unknown
 * @see RFC 8725 §3.1
 */
export function isSupportedAlgorithm(alg: string): boolean {
  return keyTypes.has(alg);
}

/** RFC 7518 §6: what only the holder of a key may know. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

function rsaFault(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const modulus = Buffer.from(String(jwk['n']), 'base64url').toString('hex').replace(/^0+/, '');
  const bits = modulus.length * 4 - Math.clz32(Number.parseInt(modulus[0] ?? '0', 16)) + 28;
  if (!(bits >= rsaBits.min && bits <= rsaBits.max))
    return `an RSA key must have ${rsaBits.min} to ${rsaBits.max} bits`;
  const exponent = Buffer.from(String(jwk['e']), 'base64url');
  const value = exponent.length <= 5 ? Number.parseInt(exponent.toString('hex') || '0', 16) : 0;
  // With e = 1 every message is its own signature.
  return value >= 3 && value % 2 === 1 ? undefined : 'its RSA exponent is unsafe';
}

function keyFault(jwk: Readonly<Record<string, unknown>>): string | undefined {
  if (jwk['kid'] !== undefined && typeof jwk['kid'] !== 'string') return 'its kid is not a string';
  if (jwk['kty'] === 'oct') return 'symmetric keys are ignored';
  if (privateMembers.some((name) => jwk[name] !== undefined))
    return 'it is a private key, which must be replaced';
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') return 'it is not for signatures';
  const operations = jwk['key_ops'];
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'its key_ops do not include verify';
  return jwk['kty'] === 'RSA' ? rsaFault(jwk) : undefined;
}

function usableAlgorithms(
  jwk: Readonly<Record<string, unknown>>,
  algorithms: readonly string[],
): readonly string[] {
  return algorithms.filter((alg) => {
    const type = keyTypes.get(alg);
    return (
      type !== undefined &&
      jwk['kty'] === type.kty &&
      (type.crv === undefined || jwk['crv'] === type.crv) &&
      (jwk['alg'] === undefined || jwk['alg'] === alg)
    );
  });
}

async function importMembers(jwk: Readonly<Record<string, unknown>>, alg: string) {
  // Only the public members: certificates and URLs in a key are never followed.
  const { kty, crv, x, y, n, e } = jwk as JWK;
  const publicKey = Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  ) as JWK;
  const key = await importJWK(publicKey, alg);
  if (key instanceof Uint8Array) throw new Error('symmetric keys are ignored');
  return key;
}

/**
 * Tells why a key that a proof of possession shows must not be used.
 *
 * @param jwk the key
 * @param alg the JWS algorithm that it must be for
 * @returns what is wrong: private, symmetric, weak, or not for the algorithm; undefined when nothing is
 * @see RFC 9449 §4.3
 */
export function publicKeyFault(
  jwk: Readonly<Record<string, unknown>>,
  alg: string,
): string | undefined {
  const fault = keyFault(jwk);
  if (fault !== undefined) return fault;
  return usableAlgorithms(jwk, [alg]).length === 0 ? 'it is not for that algorithm' : undefined;
}

/**
 * Imports one public key that a proof of possession shows.
 *
 * @param jwk the key
 * @param alg the JWS algorithm that it must be for
 * @returns the key
 * @throws {Error} it has a fault, or is malformed
 */
export async function importPublicKey(
  jwk: Readonly<Record<string, unknown>>,
  alg: string,
): Promise<CryptoKey> {
  const fault = publicKeyFault(jwk, alg);
  if (fault !== undefined) throw new Error(fault);
  return await importMembers(jwk, alg);
}

async function importKey(jwk: unknown, algorithms: readonly string[]): Promise<ImportedKey> {
  if (!isObject(jwk)) throw new Error('it is not an object');
  const fault = keyFault(jwk);
  if (fault !== undefined) throw new Error(fault);
  const usable = usableAlgorithms(jwk, algorithms);
  if (usable.length === 0) throw new Error('it fits none of the allowed algorithms');
  const byAlgorithm = new Map<string, CryptoKey>();
  for (const alg of usable) byAlgorithm.set(alg, await importMembers(jwk, alg));
  return { kid: typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined, byAlgorithm };
}

function keysFor(keys: readonly ImportedKey[], alg: string): readonly CryptoKey[] {
  return keys.flatMap((key) => key.byAlgorithm.get(alg) ?? []);
}

function createKeySet(keys: readonly ImportedKey[]): KeySet {
  const find = (kid: string | undefined, alg: string): KeyLookup => {
    const named = kid === undefined ? [] : keys.filter((key) => key.kid === kid);
    if (named.length > 0) {
      const fitting = keysFor(named, alg).slice(0, maxKeysPerKid);
      return fitting.length === 0 ? { kind: 'other_algorithm' } : { kind: 'known', keys: fitting };
    }
    const all = keysFor(keys, alg);
    return { kind: 'unknown', keys: all.length === 1 ? all : [] };
  };
  return { size: keys.length, find };
}

/**
 * Imports the keys of a JWK set that may verify tokens; a key that is malformed, weak, symmetric,
 * private or meant for something else is left out and the others stay.
 *
 * @param jwks the parsed answer of the issuer's jwks_uri
 * @param algorithms the JWS algorithms allowed for this issuer
 * @param onSkipped told of each key left out: its place in the list and why
 * @returns the usable keys
 * @throws {Error} it is no JWK set, is too long, or has no usable key
 * @see RFC 7517 §5
 */
export async function importKeySet(
  jwks: unknown,
  algorithms: readonly string[],
  onSkipped: (index: number, why: string) => void,
): Promise<KeySet> {
  if (!isObject(jwks) || !Array.isArray(jwks['keys'])) throw new Error('is not a JWK set');
  if (jwks['keys'].length > maxKeys) throw new Error(`has more than ${maxKeys} keys`);
  const imported: ImportedKey[] = [];
  for (const [index, jwk] of jwks['keys'].entries())
    try {
      imported.push(await importKey(jwk, algorithms));
    } catch (error) {
      onSkipped(index, error instanceof Error ? error.message : 'it is malformed');
    }
  if (imported.length === 0) throw new Error('has no usable key');
  return createKeySet(imported);
}
