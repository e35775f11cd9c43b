import { generateKeyPairSync, randomBytes, type JsonWebKey } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { errors, Provider } from 'oidc-provider';
import { createMemoryStore } from '../../demo/idp-store.ts';
import { freePort } from './free-port.ts';

/** A real provider with the grants that need no browser on this machine. */
export interface GrantsProvider {
  readonly issuer: string;
  /** `grant_type` of each token issued, in order. */
  readonly grants: readonly string[];
  /** Stops listening; `up` takes the same port again. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** A machine that is registered there. */
export interface RegisteredMachine {
  readonly clientId: string;
  readonly publicJwk: JsonWebKey;
  readonly algorithm: 'ES256' | 'RS256' | 'EdDSA';
}

function configure(
  issuer: string,
  machines: readonly RegisteredMachine[],
  refreshSeconds: number,
): Provider {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const bare = { response_types: [], redirect_uris: [] };
  return new Provider(issuer, {
    adapter: createMemoryStore(),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      {
        client_id: 'latchkey-desktop',
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        ...bare,
      },
      ...machines.map(({ clientId, publicJwk, algorithm }) => ({
        client_id: clientId,
        token_endpoint_auth_method: 'private_key_jwt' as const,
        token_endpoint_auth_signing_alg: algorithm,
        jwks: { keys: [{ ...publicJwk, use: 'sig' }] },
        grant_types: ['client_credentials'],
        ...bare,
      })),
    ],
    clientAuthMethods: ['none', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    scopes: ['openid', 'offline_access', 'billing.read'],
    rotateRefreshToken: true,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          if (!resource.startsWith('http://127.0.0.1:')) throw new errors.InvalidTarget();
          return {
            audience: resource,
            scope: 'billing.read',
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      DeviceCode: 600,
      Grant: 900,
      RefreshToken: refreshSeconds,
      Session: 900,
    },
    findAccount: (_context, user) => ({ accountId: user, claims: () => ({ sub: user }) }),
  });
}

/** Starts one on loopback; close it. */
export async function startGrantsProvider(
  machines: readonly RegisteredMachine[] = [],
  refreshSeconds = 900,
): Promise<GrantsProvider> {
  const server = http.createServer();
  // Of those that nobody gets by chance: it is taken again.
  const port = await freePort();
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen();
  const issuer = `http://127.0.0.1:${port}`;
  const provider = configure(issuer, machines, refreshSeconds);
  const grants: string[] = [];
  provider.on('grant.success', (context) =>
    grants.push(String(context.oidc.params?.['grant_type'])),
  );
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  const down = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { issuer, grants, down, up: listen, close: down };
}

/** What a person would send with a form: its hidden fields, and a name where it asks for one. */
function fillIn(fields: string, user: string): URLSearchParams {
  const body = new URLSearchParams();
  for (const [input] of fields.matchAll(/<input[^>]*>/gs)) {
    const read = (name: string): string =>
      new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1] ?? '';
    const typed = { login: user, password: 'any' }[read('name')];
    body.set(read('name'), typed ?? read('value'));
  }
  return body;
}

/** A browser that keeps cookies and follows nothing by itself. */
function createBrowser(): (url: string, body?: URLSearchParams) => Promise<Response> {
  const jar = new Map<string, string>();
  return async (url, body) => {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(60_000),
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body && { method: 'POST', body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };
}

/**
 * Enters a code as a person does on another device, or refuses it.
 *
 * @param url the page with the code in it
 * @param user any name
 * @param deny presses "Abort" in place of "Continue"
 * @returns the text of the last page
 */
export async function enterCode(url: string, user: string, deny = false): Promise<string> {
  const browse = createBrowser();
  let next: { readonly url: string; readonly body?: URLSearchParams } = { url };
  for (let step = 0; step < 20; step += 1) {
    const response = await browse(next.url, next.body);
    const text = await response.text();
    const location = response.headers.get('location');
    const form = /<form[^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(text);
    if (location !== null) {
      next = { url: new URL(location, next.url).href };
      continue;
    }
    if (form === null || next.body?.has('abort') === true) return text;
    const [, action = '', fields = ''] = form;
    const body = fillIn(fields, user);
    if (deny && text.includes('Confirm Device')) body.set('abort', 'yes');
    next = { url: new URL(action, next.url).href, body };
  }
  throw new Error('the provider led nowhere');
}
