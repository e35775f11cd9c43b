import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type ClientMetadata, errors, Provider } from 'oidc-provider';
import { createMemoryStore } from '../../demo/idp-store.ts';
import type { IssuerConfig } from '../../relay/config/config.ts';
import { testAudience } from './issuer.ts';

/** A real authorization server that issues tokens for an API, too: to the relay itself, or in exchange. */
export interface ApiProvider {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  /** An opaque access token of a person for the relay. */
  mint(user: string): Promise<string>;
  /** What the provider says of a token (RFC 7662). */
  inspect(token: string): Promise<Readonly<Record<string, unknown>>>;
  revoke(token: string): Promise<void>;
  /** `grant_type` of each token issued by the endpoint, and each error. */
  readonly grants: readonly string[];
  /** How the relay trusts it. */
  issuerConfig(): IssuerConfig;
}

/** The identifier of the API that tokens are issued for. */
export const API = 'https://legacy.example.com';
export const RELAY_SECRET = 'relay-secret+/=';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

interface ExchangeParameters {
  readonly subject_token?: string;
  readonly subject_token_type?: string;
  readonly requested_token_type?: string;
  readonly audience?: string;
  readonly scope?: string;
}

/** Without its grant a token is not active. */
async function grantFor(provider: Provider, clientId: string, accountId: string): Promise<string> {
  return await new provider.Grant({ clientId, accountId }).save();
}

function createProvider(issuer: string, clients: readonly ClientMetadata[]): Provider {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const bare = { response_types: [], redirect_uris: [] };
  const provider = new Provider(issuer, {
    adapter: createMemoryStore(),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      { client_id: 'desktop', token_endpoint_auth_method: 'none', grant_types: [], ...bare },
      ...clients.map((client) => ({
        grant_types: ['client_credentials', EXCHANGE],
        ...bare,
        ...client,
      })),
    ],
    clientAuthMethods: ['none', 'client_secret_basic', 'private_key_jwt'],
    scopes: ['legacy.use'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: async (_context, client) => client.clientAuthMethod !== 'none',
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: (_context, resource) => {
          if (resource !== API) throw new errors.InvalidTarget();
          return { audience: API, scope: 'legacy.use', accessTokenFormat: 'opaque' };
        },
      },
    },
    ttl: { AccessToken: 300, ClientCredentials: 300, Grant: 300 },
    findAccount: (_context, user) => ({ accountId: user, claims: () => ({ sub: user }) }),
  });

  // RFC 8693 §2.1: whatever is missing or wrong about the subject is invalid_request (§2.2.2).
  provider.registerGrantType<ExchangeParameters>(
    EXCHANGE,
    async (context) => {
      const { params, client } = context.oidc;
      if (params.subject_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest('type');
      if (params.requested_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest('type');
      if (params.audience !== API) throw new errors.InvalidTarget('audience');
      const subject = await provider.AccessToken.find(params.subject_token ?? '');
      if (subject === undefined || !subject.isValid) throw new errors.InvalidRequest('subject');
      const token = new provider.AccessToken({
        accountId: subject.accountId,
        client,
        grantId: await grantFor(provider, client.clientId, subject.accountId),
        gty: EXCHANGE,
        scope: params.scope ?? '',
      });
      token.setAudience(API);
      context.body = {
        access_token: await token.save(),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: 300,
      };
    },
    ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope'],
  );
  return provider;
}

/** Starts one for a test; it is closed with the test. */
export async function startApiProvider(
  t: TestContext,
  clients: readonly ClientMetadata[] = [
    {
      client_id: 'relay',
      client_secret: RELAY_SECRET,
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
): Promise<ApiProvider> {
  const server = http.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const inspector: ClientMetadata = {
    client_id: 'inspector',
    client_secret: 'inspect',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
  };
  const provider = createProvider(issuer, [...clients, inspector]);
  const grants: string[] = [];
  provider.on('grant.success', (context) =>
    grants.push(String(context.oidc.params?.['grant_type'])),
  );
  provider.on('grant.error', (_context, error) => grants.push(error.error));
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    grants,
    async mint(user) {
      const client = await provider.Client.find('desktop');
      const token = new provider.AccessToken({
        accountId: user,
        client,
        grantId: await grantFor(provider, 'desktop', user),
        gty: 'test',
        scope: 'read',
      } as ConstructorParameters<typeof provider.AccessToken>[0]);
      token.setAudience(testAudience);
      return await token.save();
    },
    async inspect(token) {
      const response = await fetch(`${issuer}/token/introspection`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('inspector:inspect')}` },
        body: new URLSearchParams({ token }),
      });
      return (await response.json()) as Readonly<Record<string, unknown>>;
    },
    async revoke(token) {
      await (await provider.AccessToken.find(token))?.destroy();
    },
    issuerConfig: () => ({
      issuer,
      audience: [testAudience],
      tokens: 'introspection',
      profile: 'compat',
      algorithms: ['RS256'],
      clockToleranceMs: 30_000,
      maxStaleMs: 86_400_000,
      dpop: 'off',
      dpopNonce: false,
      claims: { user: 'sub', email: 'email', roles: 'roles', groups: 'groups' },
      metadata: {},
      introspection: {
        clientId: 'inspector',
        authentication: { kind: 'client_secret_basic', secret: 'inspect' },
        cacheMs: 1_000,
        negativeCacheMs: 1_000,
        timeoutMs: 60_000,
      },
    }),
  };
}
