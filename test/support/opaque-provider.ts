import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { TLSSocket } from 'node:tls';
import { type ClientMetadata, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { createInteractions } from '../../demo/idp-interactions.ts';
import { createMemoryStore } from '../../demo/idp-store.ts';
import { signInWithFetch } from './sign-in.ts';
import { testAudience } from './issuer.ts';

/** A real authorization server that issues opaque tokens. */
export interface OpaqueProvider {
  readonly issuer: string;
  /** Signs alice in through the pages and exchanges the code. */
  signIn(): Promise<{ readonly accessToken: string; readonly refreshToken: string }>;
  /** RFC 7009, by the client that got it. */
  revoke(token: string): Promise<void>;
  /** `client_id` of each introspection request that was answered. */
  readonly asking: readonly string[];
}

const callback = 'http://127.0.0.1/callback';
const desktop: ClientMetadata = {
  client_id: 'latchkey-desktop',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: [callback],
};

function certificateOf(context: KoaContextWithOIDC): TLSSocket | undefined {
  const { socket } = context.req;
  return socket instanceof TLSSocket ? socket : undefined;
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
}

function createProvider(issuer: string, clients: ClientMetadata[]): Provider {
  return new Provider(issuer, {
    adapter: createMemoryStore(),
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      desktop,
      ...clients.map((client) => ({
        ...client,
        grant_types: [],
        response_types: [],
        redirect_uris: [],
      })),
    ],
    clientAuthMethods: ['none', 'client_secret_basic', 'private_key_jwt', 'tls_client_auth'],
    scopes: ['openid', 'offline_access'],
    issueRefreshToken: async () => true,
    extraTokenClaims: () => ({ roles: ['accountant'], groups: ['finance'] }),
    features: {
      devInteractions: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: async (_context, client) => client.clientAuthMethod !== 'none',
      },
      revocation: { enabled: true, allowedPolicy: async () => true },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        getCertificate: (context) =>
          certificateOf(context)?.getPeerX509Certificate()?.toString() ?? '',
        certificateAuthorized: (context) => certificateOf(context)?.authorized === true,
        certificateSubjectMatches: (context, property, expected) =>
          property === 'tls_client_auth_subject_dn' &&
          certificateOf(context)?.getPeerX509Certificate()?.subject === expected,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: testAudience,
          scope: 'billing.read billing.write',
          accessTokenFormat: 'opaque',
          accessTokenTTL: 300,
        }),
      },
    },
    ttl: {
      AccessToken: 300,
      Grant: 3600,
      IdToken: 300,
      Interaction: 300,
      RefreshToken: 3600,
      Session: 3600,
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, user) => ({ accountId: user, claims: () => ({ sub: user }) }),
  });
}

/** Starts one for a test; it is closed with the test. With `tls` it asks callers for a certificate. */
export async function startOpaqueProvider(
  t: TestContext,
  clients: ClientMetadata[],
  tls?: { readonly cert: string; readonly key: string; readonly ca: string },
): Promise<OpaqueProvider> {
  const server =
    tls === undefined
      ? http.createServer()
      : https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scheme = tls === undefined ? 'http' : 'https';
  const issuer = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = createProvider(issuer, clients);
  const asking: string[] = [];
  provider.on('introspection.error', (_context, error) => asking.push(error.message));
  provider.use(async (context, next) => {
    await next();
    const { oidc } = context as unknown as KoaContextWithOIDC;
    if (oidc?.route === 'introspection' && context.status === 200)
      asking.push(oidc.client?.clientId ?? '');
  });
  const answer = provider.callback();
  const interact = createInteractions(provider, 'Latchkey');
  server.on('request', (request, response) => {
    const inner = request.url?.startsWith('/interaction/') === true ? interact : answer;
    void inner(request, response);
  });
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  async function post(path: string, form: Record<string, string>): Promise<Response> {
    const body = new URLSearchParams({ client_id: desktop.client_id, ...form });
    const response = await fetch(`${issuer}${path}`, { method: 'POST', body });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  async function signIn() {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: desktop.client_id,
      response_type: 'code',
      redirect_uri: callback,
      scope: 'openid offline_access billing.read',
      resource: testAudience,
      prompt: 'consent',
      state: 's',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const { callbackUrl } = await signInWithFetch(
      `${issuer}/auth?${query.toString()}`,
      'alice',
      'alice-demo',
      { stopAtCallback: true },
    );
    const response = await post('/token', {
      grant_type: 'authorization_code',
      code: new URL(callbackUrl).searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: verifier,
      resource: testAudience,
    });
    const tokens = (await response.json()) as { access_token: string; refresh_token: string };
    return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token };
  }

  return {
    issuer,
    signIn,
    asking,
    async revoke(token) {
      await (await post('/token/revocation', { token })).body?.cancel();
    },
  };
}
