import { type KeyObject, createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { IntrospectionConfig } from '../config/config.ts';
import { plainRsa } from './plain-rsa.ts';

/** What one request to the issuer carries to say that it is the relay's. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

/** Shows an issuer who the relay is. */
export interface ClientAuthenticator {
  /** For `tls_client_auth`: what the TLS connection shows, PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Made anew for each request: an assertion is used once. */
  readonly prove: () => Promise<ClientProof>;
}

const assertionSeconds = 60;
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const curveAlgorithms: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** RFC 6749 §2.3.1 has both halves form-encoded before they are joined and base64-encoded. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function algorithmOf(key: KeyObject): string | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ec') return curveAlgorithms[asymmetricKeyDetails?.namedCurve ?? ''];
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  if ((asymmetricKeyDetails?.modulusLength ?? 0) < 2048) return undefined;
  if (asymmetricKeyType === 'rsa') return 'RS256';
  return asymmetricKeyType === 'rsa-pss' ? 'PS256' : undefined;
}

/**
 * Reads the key that signs client assertions; its kind decides the algorithm.
 *
 * @param pem a private key without a passphrase
 * @returns the key and the JWS algorithm it signs with
 * @throws {Error} no private key, or one that no algorithm of ours fits
 */
export function readAssertionKey(pem: string): { readonly key: KeyObject; readonly alg: string } {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // What OpenSSL says could repeat a part of the file.
    throw new Error('the private key is not a PEM private key without a passphrase');
  }
  const alg = algorithmOf(key);
  if (alg === undefined)
    throw new Error(
      'the private key is none of RSA (2048 bits or more), P-256, P-384, P-521, Ed25519',
    );
  return { key: alg === 'PS256' ? plainRsa(key) : key, alg };
}

function bySecret(clientId: string, secret: string): ClientAuthenticator {
  const pair = `${formEncoded(clientId)}:${formEncoded(secret)}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  const proof: ClientProof = { headers: { authorization }, form: {} };
  return { prove: () => Promise.resolve(proof) };
}

function byAssertion(
  clientId: string,
  audience: string,
  keyId: string | undefined,
  pem: string,
  now: () => number,
): ClientAuthenticator {
  const { key, alg } = readAssertionKey(pem);
  const header = { alg, ...(keyId === undefined ? {} : { kid: keyId }) };
  const prove = async (): Promise<ClientProof> => {
    const seconds = Math.floor(now() / 1000);
    const assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader(header)
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + assertionSeconds)
      .sign(key);
    const form = {
      client_id: clientId,
      client_assertion_type: assertionType,
      client_assertion: assertion,
    };
    return { headers: {}, form };
  };
  return { prove };
}

/**
 * Makes what authenticates the relay as a client of an issuer.
 *
 * @param issuer the issuer identifier: the only audience of assertions, so that none serves elsewhere
 * @param client the client id and how it authenticates
 * @param now the clock, milliseconds since the epoch
 * @returns the authenticator
 * @throws {Error} the private key is unusable
 * @see RFC 6749 §2.3.1, RFC 7523 §2.2, RFC 8705 §2
 */
export function createClientAuthenticator(
  issuer: string,
  client: Pick<IntrospectionConfig, 'clientId' | 'authentication'>,
  now: () => number,
): ClientAuthenticator {
  const { clientId, authentication } = client;
  if (authentication.kind === 'client_secret_basic')
    return bySecret(clientId, authentication.secret);
  if (authentication.kind === 'private_key_jwt')
    return byAssertion(clientId, issuer, authentication.keyId, authentication.key, now);
  const { certificate: cert, key } = authentication;
  return {
    tls: { cert, key },
    prove: () => Promise.resolve({ headers: {}, form: { client_id: clientId } }),
  };
}
