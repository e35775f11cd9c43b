import { hash } from 'node:crypto';
import type { CryptoKey } from 'jose';
import { RelayError } from '../errors.ts';
import type { SharedState } from '../state/shared-state.ts';
import type { ProofChecker } from './binding.ts';
import { isSameAddress } from './htu.ts';
import { isObject, parseJsonObject } from './json.ts';
import { isSignedBy } from './jws-signature.ts';
import { importPublicKey, publicKeyFault } from './keys.ts';
import type { Nonces } from './nonces.ts';
import type { Presentation } from './presentation.ts';

/** What proofs are checked with. */
export interface ProofDeps {
  readonly nonces: Pick<Nonces, 'accepts'>;
  readonly state: Pick<SharedState, 'once'>;
  /** Epoch ms. */
  readonly now: () => number;
}

/** The algorithms that proofs may be signed with, for challenges and metadata. */
export const proofAlgorithms: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS256',
];

type Members = Readonly<Record<string, unknown>>;

/** What the header of a proof says of its key. */
interface ShownKey {
  readonly alg: string;
  readonly jwk: Members;
  /** RFC 7638 thumbprint, base64url. */
  readonly jkt: string;
  /** Present once a signature has been made with it. */
  readonly key?: CryptoKey;
}

const windowMs = 60_000;
/** Relays that share what was used may differ in time. */
const relayClocksMs = 30_000;
const maxProofLength = 8 * 1024;
const keptKeys = 2_000;
const maxKeptHeaderLength = 2 * 1024;

function bad(detail: string): RelayError {
  return new RelayError('dpop_proof', `The DPoP proof is refused: ${detail}`);
}

function wanted(detail: string): RelayError {
  return new RelayError('dpop_nonce', detail);
}

function decoded(part: string, what: string): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw bad(`its ${what} is not canonical base64url.`);
  return bytes;
}

function objectOf(part: string, what: string): Members {
  const result = parseJsonObject(decoded(part, what));
  if (result.kind === 'object') return result.value;
  throw bad(`its ${what} is not a JSON object, or has a member twice.`);
}

/** A proof is what one field says: two fields, or a list in one, would leave a choice. */
function onlyProof(proofs: readonly string[]): readonly [string, string, string] {
  const [proof, ...more] = proofs;
  if (proof === undefined) throw bad('there is none. Send one in the field `DPoP`.');
  if (more.length > 0) throw bad('there are several. Send exactly one.');
  if (proof.length > maxProofLength) throw bad('it is longer than 8 KB.');
  const parts = proof.split('.', 4);
  if (parts.length !== 3) throw bad('it is not a signed JWT of three parts.');
  return parts as unknown as readonly [string, string, string];
}

/** RFC 7638 §3.2: the required members only, in the order of their names, without spaces. */
function thumbprintOf({ kty, crv, x, y, n, e }: Members): string {
  const members =
    kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  if (!Object.values(members).every((value) => typeof value === 'string'))
    throw bad('its `jwk` lacks a member, or has one that is not a string.');
  return hash('sha256', JSON.stringify(members), 'base64url');
}

function readHeader(part: string): ShownKey {
  const { typ, alg, jwk, crit } = objectOf(part, 'header');
  if (typ !== 'dpop+jwt') throw bad('its `typ` is not `dpop+jwt`.');
  if (crit !== undefined) throw bad('its header has `crit`, and no extension is understood.');
  if (typeof alg !== 'string' || !proofAlgorithms.includes(alg))
    throw bad(`its \`alg\` is none of ${proofAlgorithms.join(', ')}.`);
  if (!isObject(jwk)) throw bad('its header has no `jwk`.');
  const fault = publicKeyFault(jwk, alg);
  if (fault !== undefined) throw bad(`its \`jwk\` cannot be used: ${fault}.`);
  return { alg, jwk, jkt: thumbprintOf(jwk) };
}

const isDate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** Dates that a proof need not have count where it has them (RFC 7519 §4.1). */
function checkDates({ iat, exp, nbf }: Members, nowMs: number): void {
  if (!isDate(iat)) throw bad('its `iat` is not a date.');
  if (Math.abs(nowMs - iat * 1000) > windowMs)
    throw bad('its `iat` is more than 60 seconds off. Make a new proof, or set the clock.');
  if (exp !== undefined && !(isDate(exp) && nowMs < exp * 1000 + windowMs))
    throw bad('it has expired. Make a new one for each request.');
  if (nbf !== undefined && !(isDate(nbf) && nowMs >= nbf * 1000 - windowMs))
    throw bad('it is not valid yet.');
}

function checkRequest(claims: Members, shown: Presentation, token: string): void {
  const { htm, htu, ath, jti } = claims;
  if (htm !== shown.method) throw bad('its `htm` is not the method of this request.');
  // The public origin is configured: what the request says of its host could be chosen to match.
  if (!isSameAddress(htu, shown.htu))
    throw bad('its `htu` is not the public address of this request, without a query.');
  if (ath !== hash('sha256', token, 'base64url'))
    throw bad('its `ath` is not the hash of the access token sent with it.');
  if (typeof jti !== 'string' || jti === '') throw bad('its `jti` is missing.');
}

function checkNonce(nonce: unknown, required: boolean, nonces: Pick<Nonces, 'accepts'>): void {
  if (nonce === undefined) {
    if (!required) return;
    throw wanted('Make the DPoP proof again with the nonce of the field `DPoP-Nonce`.');
  }
  if (typeof nonce !== 'string' || !nonces.accepts(nonce))
    throw wanted('The nonce is too old. Make the proof again with that of `DPoP-Nonce`.');
}

async function keyOf(shown: ShownKey): Promise<CryptoKey> {
  try {
    return shown.key ?? (await importPublicKey(shown.jwk, shown.alg));
  } catch {
    throw bad('its `jwk` cannot be used: it is malformed.');
  }
}

/**
 * Makes the checker of DPoP proofs. What is cheap comes first, the signature after it. Keys are kept
 * by the header that shows them, since a client's header is the same in each of its proofs.
 *
 * @param deps nonces, the memory of used proofs, a clock
 * @returns the checker
 * @see RFC 9449 §4.3, §9, §11.1
 */
export function createProofChecker(deps: ProofDeps): ProofChecker {
  const kept = new Map<string, ShownKey>();

  /** Only keys that tokens are bound to, and that have signed: nobody else can push them out. */
  function keep(header: string, shown: ShownKey): void {
    kept.delete(header);
    if (header.length > maxKeptHeaderLength) return;
    kept.set(header, shown);
    const oldest = kept.keys().next();
    if (kept.size > keptKeys && oldest.done !== true) kept.delete(oldest.value);
  }

  return {
    async check(shown, { jkt, token, nonceRequired }) {
      const [header, payload, signature] = onlyProof(shown.proofs);
      const proofKey = kept.get(header) ?? readHeader(header);
      const claims = objectOf(payload, 'payload');
      // Only to see that it has one form: it is decoded where it is verified.
      decoded(signature, 'signature');
      if (proofKey.jkt !== jkt)
        throw new RelayError(
          'token_binding',
          'The access token is bound to another key than the one that the DPoP proof shows.',
        );
      checkRequest(claims, shown, token);
      checkDates(claims, deps.now());
      checkNonce(claims['nonce'], nonceRequired, deps.nonces);
      const key = await keyOf(proofKey);
      // The parts were parsed already, more strictly than a library would.
      if (!isSignedBy({ protected: header, payload, signature }, proofKey.alg, key))
        throw bad('its signature does not hold.');
      keep(header, { ...proofKey, key });
      // Last, so that only proofs that are good are remembered; hashed, so that length costs nothing.
      const used = hash('sha256', `dpop ${jkt} ${String(claims['jti'])}`, 'base64url');
      const forgetAtMs = Number(claims['iat']) * 1000 + windowMs + relayClocksMs;
      if (!(await deps.state.once(used, forgetAtMs))) throw bad('it was used before.');
    },
  };
}
