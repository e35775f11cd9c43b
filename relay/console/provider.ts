import * as client from 'openid-client';
import { claimAt } from '../auth/claims.ts';
import type { SignInConfig } from '../config/config.ts';
import type { Attempt } from './attempts.ts';
import { clientAuthOf } from './client-auth.ts';
import type { SignedIn } from './sessions.ts';

/** What the provider says of somebody. */
export interface Identity extends SignedIn {
  readonly hasRole: boolean;
}

/** The identity provider, as the console speaks with it. */
export interface Provider {
  /** Where the browser is to go. */
  begin(redirectUri: string, attempt: Attempt): Promise<string>;
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
/** Longer ones, of people in hundreds of groups, are too long for an address; the client's name goes alone. */
const MAX_HINT = 4_096;

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}

/** Leads browsers away, so it must be as safe as the provider itself. */
function farewellOf(found: client.Configuration, idToken: string): string | undefined {
  const { issuer, end_session_endpoint: endpoint } = found.serverMetadata();
  if (endpoint === undefined || !URL.canParse(endpoint)) return undefined;
  if (new URL(endpoint).protocol !== new URL(issuer).protocol) return undefined;
  const hint = idToken.length > MAX_HINT ? {} : { id_token_hint: idToken };
  return client.buildEndSessionUrl(found, hint).href;
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
 * @see OpenID Connect Core 1.0 §3.1, OpenID Connect RP-Initiated Logout 1.0, RFC 7636, RFC 9207
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
      clientAuthOf(config.authentication),
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
    async begin(redirectUri, { state, nonce, verifier }) {
      const found = await server();
      const url = client.buildAuthorizationUrl(found, {
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      });
      return url.href;
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
      const sid = textOf(claims['sid']);
      const farewell = farewellOf(found, tokens.id_token ?? '');
      return {
        person: { issuer, user, ...(userName === undefined ? {} : { userName }) },
        issuedAtMs: Number(claims['iat']) * 1_000,
        ...(sid === undefined ? {} : { sid }),
        ...(farewell === undefined ? {} : { farewell }),
        hasRole: holds(claimAt(all, rolesClaim), role),
      };
    },
  };
}
