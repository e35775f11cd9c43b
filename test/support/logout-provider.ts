import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { Provider, type JWK } from 'oidc-provider';

/** A real OpenID Connect provider that tells the relay when a session ends. */
export interface LogoutProvider {
  readonly issuer: string;
  /** Must be called before anybody signs in: where logout tokens go. */
  notify(relayUrl: string): void;
  /** Signs a person in, as a browser of their own, and gets an access token. */
  signIn(user: string): Promise<{ readonly token: string; signOut(): Promise<void> }>;
  /** What became of the logout tokens sent so far. */
  readonly deliveries: readonly string[];
}

const CLIENT = 'latchkey-desktop';
const CALLBACK = 'http://127.0.0.1/callback';
const AUDIENCE = 'https://relay.test';

function signingKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'k1' };
}

function createProvider(
  issuer: string,
  key: JWK,
  relayUrl: string,
  deliveries: string[],
): Provider {
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: [
      {
        client_id: CLIENT,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [CALLBACK],
        backchannel_logout_uri: `${relayUrl}/.latchkey/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          audience: AUDIENCE,
          scope: 'read',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    scopes: ['openid'],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Its own refuses to send to loopback, and waits for 2.5 s only.
    fetch: (url, options = {}) => {
      Reflect.deleteProperty(options, 'dispatcher');
      Reflect.deleteProperty(options, 'signal');
      return fetch(url, options);
    },
  });
  provider.on('backchannel.success', () => void deliveries.push('ok'));
  provider.on('backchannel.error', (_context, error) => void deliveries.push(error.message));
  return provider;
}

/** Follows redirects and fills in forms, with cookies, as one browser would. */
function createBrowser() {
  const cookies = new Map<string, string>();
  return async function visit(from: string, fill: (html: string) => URLSearchParams | undefined) {
    let url = from;
    let body: URLSearchParams | undefined;
    for (let step = 0; step < 20; step++) {
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === undefined ? {} : { method: 'POST', body }),
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      const html = await response.text();
      const location = response.headers.get('location');
      if (location?.startsWith(CALLBACK)) return location;
      if (location !== null) [url, body] = [new URL(location, url).href, undefined];
      else {
        const action = /action="([^"]+)"/.exec(html)?.[1];
        body = action === undefined ? undefined : fill(html);
        if (action === undefined || body === undefined) return html;
        url = new URL(action, url).href;
      }
    }
    throw new Error('the provider redirected more than 20 times');
  };
}

function fillSignIn(user: string): (html: string) => URLSearchParams {
  return (html) =>
    html.includes('name="login"')
      ? new URLSearchParams({ prompt: 'login', login: user, password: 'x' })
      : new URLSearchParams({ prompt: 'consent' });
}

/** Starts the provider for one test. */
export async function startLogoutProvider(t: TestContext): Promise<LogoutProvider> {
  const deliveries: string[] = [];
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = signingKey();
  let answer = createProvider(issuer, key, issuer, deliveries).callback();
  server.on('request', (request, response) => void answer(request, response));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function exchange(code: string, verifier: string): Promise<string> {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: CLIENT,
        redirect_uri: CALLBACK,
        code,
        code_verifier: verifier,
        resource: AUDIENCE,
      }),
    });
    const { access_token: token } = (await response.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`no token: ${response.status}`);
    return token;
  }

  return {
    issuer,
    deliveries,
    notify(relayUrl) {
      answer = createProvider(issuer, key, relayUrl, deliveries).callback();
    },
    async signIn(user) {
      const visit = createBrowser();
      const verifier = randomUUID() + randomUUID();
      const query = new URLSearchParams({
        client_id: CLIENT,
        response_type: 'code',
        scope: 'openid read',
        redirect_uri: CALLBACK,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        resource: AUDIENCE,
      });
      const callback = await visit(`${issuer}/auth?${query.toString()}`, fillSignIn(user));
      const code = new URL(callback).searchParams.get('code') ?? '';
      return {
        token: await exchange(code, verifier),
        async signOut() {
          await visit(`${issuer}/session/end`, (html) => {
            const xsrf = /name="xsrf" value="([^"]+)"/.exec(html)?.[1];
            return xsrf === undefined ? undefined : new URLSearchParams({ xsrf, logout: 'yes' });
          });
        },
      };
    },
  };
}
