import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Provider, errors } from 'oidc-provider';
import type { Configuration, JWK, KoaContextWithOIDC } from 'oidc-provider';

import { createInteractions } from './idp-interactions.ts';
import { errorPage, signOutPage, signedOutPage } from './idp-pages.ts';
import { acrValues, createPolicy } from './idp-policy.ts';
import { createMemoryStore } from './idp-store.ts';
import { apiScopes, findPerson } from './people.ts';

/** The demo company's identity provider, running. */
export interface IdentityProvider {
  /** `http://127.0.0.1:PORT`, exactly as in `iss`. */
  readonly issuer: string;
  close(): Promise<void>;
}

/** What may be chosen of the identity provider. */
export interface IdentityProviderOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Life of access tokens in seconds. */
  readonly tokenSeconds?: number;
  /** The resources (RFC 8707) that tokens are issued for; absent: any loopback origin. */
  readonly resources?: readonly string[];
  /** Where the end of a session is reported (OpenID Connect Back-Channel Logout); absent: nowhere. */
  readonly backchannelLogoutUri?: string;
}

const clientId = 'latchkey-desktop';
const daySeconds = 24 * 60 * 60;

function signingKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
}

function isLoopback(resource: string): boolean {
  const url = URL.parse(resource);
  return url !== null && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
}

/** The claims about the person and the sign-in that RFC 9068 §2.2 foresees in an access token. */
function accessTokenClaims(context: KoaContextWithOIDC, user: string | undefined) {
  const person = findPerson(user);
  if (person === undefined) return undefined;
  const { AuthorizationCode: code, RefreshToken: refresh } = context.oidc.entities;
  const source = code ?? refresh;
  return {
    name: person.name,
    email: person.email,
    department: person.department,
    roles: person.roles,
    groups: person.groups,
    auth_time: source?.authTime,
    acr: source?.acr,
    amr: source?.amr,
    sid: source?.sid,
  };
}

function resourceFeature(options: IdentityProviderOptions, tokenSeconds: number) {
  const known = (resource: string): boolean =>
    options.resources?.includes(resource) ?? isLoopback(resource);
  return {
    enabled: true,
    defaultResource: () => [],
    useGrantedResource: () => true,
    getResourceServerInfo: (_context: KoaContextWithOIDC, resource: string) => {
      if (!known(resource)) throw new errors.InvalidTarget();
      return {
        audience: resource,
        scope: Object.keys(apiScopes).join(' '),
        accessTokenFormat: 'jwt' as const,
        accessTokenTTL: tokenSeconds,
        jwt: { sign: { alg: 'RS256' as const } },
      };
    },
  };
}

function configuration(options: IdentityProviderOptions): Configuration {
  const tokenSeconds = options.tokenSeconds ?? 300;
  return {
    adapter: createMemoryStore(),
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: [
      {
        client_id: clientId,
        client_name: 'Latchkey',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
        ...(options.backchannelLogoutUri !== undefined && {
          backchannel_logout_uri: options.backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    scopes: ['openid', 'offline_access'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    acrValues: [...acrValues],
    // the access token is for the relay, so the app reads name and email from the ID token
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    extraTokenClaims: (context, token) =>
      accessTokenClaims(context, 'accountId' in token ? token.accountId : undefined),
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (context, form) => {
          context.body = signOutPage(form);
        },
        postLogoutSuccessSource: async (context) => {
          context.body = signedOutPage();
        },
      },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: resourceFeature(options, tokenSeconds),
    },
    // Everything here is on loopback, which the provider's own guard keeps it from calling; its 2.5 s are short on a busy machine.
    fetch: (url, init = {}) => {
      Reflect.deleteProperty(init, 'dispatcher');
      Reflect.deleteProperty(init, 'signal');
      return fetch(url, init);
    },
    ttl: {
      AccessToken: tokenSeconds,
      AuthorizationCode: 60,
      Grant: 14 * daySeconds,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 14 * daySeconds,
      Session: daySeconds,
    },
    interactions: {
      policy: createPolicy(),
      url: (_context, interaction) => `/interaction/${interaction.uid}`,
    },
    findAccount: (_context, user) => {
      const person = findPerson(user);
      if (person === undefined) return undefined;
      return {
        accountId: person.user,
        claims: () => ({
          sub: person.user,
          name: person.name,
          preferred_username: person.user,
          email: person.email,
          email_verified: true,
        }),
      };
    },
    renderError: (context, out) => {
      context.type = 'html';
      context.body = errorPage(
        `${out.error}: ${out.error_description ?? 'start again in the app'}`,
      );
    },
  };
}

/** Offline access outlives the browser's session, but not a person's word that it has ended. */
function endGrantsWithSession(provider: Provider): void {
  const revoke = (context: KoaContextWithOIDC, client: { readonly clientId: string }): void => {
    const grantId = context.oidc.session?.grantIdFor(client.clientId);
    if (grantId !== undefined) void provider.RefreshToken.revokeByGrantId(grantId);
  };
  provider.on('backchannel.success', revoke);
  provider.on('backchannel.error', (context, _error, client) => revoke(context, client));
}

/**
 * Starts a real OpenID Connect provider on loopback: sign-in and consent pages, PKCE, RFC 9068 access
 * tokens for the relay, bound by DPoP where asked (with nonces), refresh tokens that rotate and detect
 * reuse, revocation, `iss` in the callback, a second step for `acr_values=mfa`, `max_age`, sign-out at
 * `/session/end` with back-channel logout.
 *
 * @param options port, token life, resources and where logouts are reported
 * @returns the running provider
 * @see RFC 8414, RFC 8707, RFC 9068, RFC 9207, RFC 9449, RFC 9470, RFC 9700
 */
export async function createIdentityProvider(
  options: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  const server = createServer();
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, configuration(options));
  endGrantsWithSession(provider);
  const answer = provider.callback();
  const interact = createInteractions(provider, 'Latchkey');
  server.on('request', (request, response) => {
    const inner = request.url?.startsWith('/interaction/') === true ? interact : answer;
    void inner(request, response);
  });
  return {
    issuer,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
