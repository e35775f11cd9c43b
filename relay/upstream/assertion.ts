import { sign, type KeyObject } from 'node:crypto';
import { ecdsaFromDer } from '../../wire/ecdsa-signature.ts';
import type { Principal } from '../auth/principal.ts';

/** A key that signs assertions. */
export interface AssertionKey {
  /** P-256. */
  readonly key: KeyObject;
  /** Its thumbprint (RFC 7638), by which APIs find it. */
  readonly kid: string;
}

/**
 * Says to an API who is calling.
 *
 * @param principal the caller
 * @param requestId of the request that it goes with
 * @returns a compact JWS
 */
export type Assert = (principal: Principal, requestId: string) => string;

/** The name of the field that carries assertions. */
export const ASSERTION_FIELD = 'X-Latchkey-Assertion';
const LIFETIME_SECONDS = 60;

const encode = (value: unknown): string =>
  Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');

/**
 * Prepares the assertions for one API. Each is signed for its request alone, in this thread: handing
 * it to another costs more than the signature does.
 *
 * @param audience the API's name
 * @param issuer the relay's resource identifier
 * @param key signs
 * @param now epoch ms
 * @returns makes an assertion
 * @see RFC 7519, RFC 7515 §7.1, RFC 8725 §3.11
 */
export function createAssertion(
  audience: string,
  issuer: string,
  { key, kid }: AssertionKey,
  now: () => number,
): Assert {
  const head = encode({ alg: 'ES256', typ: 'latchkey-assertion+jwt', kid });
  return (principal, requestId) => {
    const iat = Math.floor(now() / 1000);
    // Absent members are left out by JSON.
    const claims = {
      iss: issuer,
      aud: audience,
      sub: principal.subject,
      // A subject is only somebody's together with who says so.
      idp: principal.issuer,
      user: principal.user,
      email: principal.email,
      name: principal.userName,
      roles: principal.roles,
      groups: principal.groups,
      client_id: principal.clientId,
      scope: principal.scopes.join(' '),
      acr: principal.acr,
      auth_time: principal.authTime,
      jti: requestId,
      iat,
      exp: iat + LIFETIME_SECONDS,
    };
    const signed = `${head}.${encode(claims)}`;
    const signature = ecdsaFromDer(sign('sha256', Buffer.from(signed, 'latin1'), key), 32);
    return `${signed}.${signature.toString('base64url')}`;
  };
}
