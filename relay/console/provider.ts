import * as client from 'openid-client';
import { readAssertionKey } from '../auth/client-authentication.ts';
import { claimAt } from '../auth/claims.ts';
import type { ClientAuthentication, SignInConfig } from '../config/config.ts';

/** What is kept of an attempt until the browser comes back. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** What the provider says of somebody. */
export interface Identity {
  readonly user: string;
  readonly userName?: string;
  readonly hasRole: boolean;
}

/** The identity provider, as the console speaks with it. */
export interface Provider {
  /** Where the browser is to go. */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly attempt: Attempt }>;
  /**
   * Takes the code that the browser brought back.
   *
   * @throws anything that `openid-client` finds wrong with the answer
   */
  finish(callback: URL, attempt: Attempt): Promise<Identity>;
}

type Claims = Readonly<Record<string, unknown>>;

const TIMEOUT_SECONDS = 10;
const KNOWN_MS = 600_000;
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

function authenticationOf(authentication: ClientAuthentication | undefined): client.ClientAuth {
  switch (authentication?.kind) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(authentication.secret);
    case 'private_key_jwt': {
      const { key, keyId } = authentication;
      const signing = assertionKey(key);
      return client.PrivateKeyJwt(keyId === undefined ? signing : { key: signing, kid: keyId });
    }
    default:
      return client.None();
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}

function holds(value: unknown, role: string): boolean {
  return value === role || (Array.isArray(value) && value.includes(role));
}

/**
 * Prepares to speak with a provider; it is asked for its metadata when somebody signs in.
 *
 * @param config the provider, and who the console is there
 * @param now the clock, epoch ms
 * @returns the provider
 * @see OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207
 */
export function createProvider(config: SignInConfig, now: () => number): Provider {
  const { issuer, clientId, scopes, role, rolesClaim } = config;
  let known: { readonly at: number; readonly server: Promise<client.Configuration> } | undefined;

  async function discover(): Promise<client.Configuration> {
    const url = new URL(issuer);
    const found = await client.discovery(
      url,
      clientId,
      undefined,
      authenticationOf(config.authentication),
      {
        timeout: TIMEOUT_SECONDS,
        execute: [
          // A signature tells even where TLS ends at a proxy before the provider.
          client.enableNonRepudiationChecks,
          ...(url.protocol === 'http:' ? [client.allowInsecureRequests] : []),
        ],
      },
    );
    if (found.serverMetadata().issuer !== issuer)
      throw new Error('the provider names another issuer than the one configured');
    return found;
  }

  function server(): Promise<client.Configuration> {
    if (known === undefined || now() - known.at > KNOWN_MS) {
      const asked = discover();
      known = { at: now(), server: asked };
      asked.catch(() => {
        known = undefined;
      });
    }
    return known.server;
  }

  /** Some providers tell roles only when they are asked about the person. */
  async function moreOf(
    found: client.Configuration,
    accessToken: string,
    subject: string,
  ): Promise<Claims> {
    if (found.serverMetadata().userinfo_endpoint === undefined) return {};
    return await client.fetchUserInfo(found, accessToken, subject);
  }

  return {
    async begin(redirectUri) {
      const found = await server();
      const verifier = client.randomPKCECodeVerifier();
      const attempt = { state: client.randomState(), nonce: client.randomNonce(), verifier };
      const url = client.buildAuthorizationUrl(found, {
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state: attempt.state,
        nonce: attempt.nonce,
      });
      return { url: url.href, attempt };
    },
    async finish(callback, { state, nonce, verifier }) {
      const found = await server();
      const tokens = await client.authorizationCodeGrant(found, callback, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims: Claims = tokens.claims() ?? {};
      const user = textOf(claims['sub']);
      if (user === undefined) throw new Error('the provider names nobody');
      const isTold = claimAt(claims, rolesClaim) !== undefined;
      const more = isTold ? claims : await moreOf(found, tokens.access_token, user);
      const all = { ...more, ...claims };
      const names = ['name', 'preferred_username', 'email'].map((name) => textOf(all[name]));
      const userName = names.find((name) => name !== undefined);
      return {
        user,
        ...(userName === undefined ? {} : { userName }),
        hasRole: holds(claimAt(all, rolesClaim), role),
      };
    },
  };
}
