import * as client from 'openid-client';
import { readAssertionKey } from '../auth/client-authentication.ts';
import type { SignInConfig } from '../config/config.ts';

/** The names that Web Cryptography has for them. */
const KEY_PARAMETERS: Readonly<
  Record<string, { name: string; hash?: string; namedCurve?: string }>
> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  EdDSA: { name: 'Ed25519' },
};

function assertionKey(pem: string): client.CryptoKey {
  const { key, alg } = readAssertionKey(pem);
  return key.toCryptoKey(KEY_PARAMETERS[alg] ?? { name: alg }, false, ['sign']);
}

/**
 * Makes what shows the provider that the console is the client it says it is.
 *
 * @param authentication as configured; absent: a public client
 * @returns the authentication, for `openid-client`
 * @throws {Error} the private key is unusable
 * @see RFC 6749 §2.3.1, RFC 7523 §2.2
 */
export function clientAuthOf(authentication: SignInConfig['authentication']): client.ClientAuth {
  switch (authentication?.kind) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(authentication.secret);
    case 'client_secret_post':
      return client.ClientSecretPost(authentication.secret);
    case 'private_key_jwt': {
      const { key, keyId } = authentication;
      const signing = assertionKey(key);
      return client.PrivateKeyJwt(keyId === undefined ? signing : { key: signing, kid: keyId });
    }
    default:
      return client.None();
  }
}
