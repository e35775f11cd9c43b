import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider, type ClientMetadata } from 'oidc-provider';
import { createMemoryStore } from '../../demo/idp-store.ts';

/** A real provider that knows the console as a client. */
export interface ConsoleProvider {
  readonly issuer: string;
  /** Whose role was taken away is no auditor at the next sign-in. */
  readonly demoted: Set<string>;
  /** How logout tokens were received: `ok`, or what went wrong. */
  readonly deliveries: string[];
  /** Where clients showed who they are when they brought a code. */
  readonly shownIn: ('header' | 'form')[];
  /** Registers the console, once it is known where that is. */
  register(client: Partial<ClientMetadata> & { readonly redirect_uris: string[] }): void;
  close(): Promise<void>;
}

/** Whose name begins with `auditor` has the role; what it says of others is no role of the console. */
const rolesOf = (user: string): string[] => (user.startsWith('auditor') ? ['auditor'] : ['staff']);

/** How a provider differs from one with everything. */
export interface ProviderOptions {
  /** Without an end of sessions that clients may ask for. */
  readonly withoutLogout?: boolean;
  /** Added to its metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Starts one on loopback; everybody may sign in with any password.
 *
 * @param rolesIn whether roles are in the ID token, or only in what it tells when asked
 * @param options what it lacks, or says beside
 */
export async function startConsoleProvider(
  rolesIn: 'id-token' | 'userinfo',
  options: ProviderOptions = {},
): Promise<ConsoleProvider> {
  const demoted = new Set<string>();
  const deliveries: string[] = [];
  const shownIn: ConsoleProvider['shownIn'] = [];
  const server = http.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clients: ClientMetadata[] = [];
  let answer: ReturnType<Provider['callback']> | undefined;

  function start(): void {
    const provider = new Provider(issuer, {
      adapter: createMemoryStore(),
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
      cookies: { keys: [randomBytes(16).toString('hex')] },
      clients,
      clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      discovery: { ...options.metadata },
      conformIdTokenClaims: rolesIn === 'userinfo',
      claims: { openid: ['sub'], profile: ['name', 'realm_access'] },
      pkce: { required: () => true },
      features: {
        devInteractions: { enabled: true },
        rpInitiatedLogout: { enabled: options.withoutLogout !== true },
        backchannelLogout: { enabled: true },
      },
      // Its own refuses to send to loopback, and waits for 2.5 s only.
      fetch: (url, init = {}) => {
        Reflect.deleteProperty(init, 'dispatcher');
        Reflect.deleteProperty(init, 'signal');
        return fetch(url, init);
      },
      findAccount: (_context, user) => ({
        accountId: user,
        claims: () => ({
          sub: user,
          name: `Name of ${user}`,
          realm_access: { roles: demoted.has(user) ? [] : rolesOf(user) },
        }),
      }),
    });
    provider.on('backchannel.success', () => void deliveries.push('ok'));
    provider.on('backchannel.error', (_context, error) => void deliveries.push(error.message));
    answer = provider.callback();
  }

  start();
  server.on('request', (request, response) => {
    if (request.url === '/token')
      shownIn.push(request.headers.authorization === undefined ? 'form' : 'header');
    void answer?.(request, response);
  });
  return {
    issuer,
    demoted,
    deliveries,
    shownIn,
    register(client) {
      clients.push({
        client_id: 'latchkey-console',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        ...client,
      });
      start();
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

type VisitOptions = Omit<RequestInit, 'headers'> & {
  readonly headers?: Readonly<Record<string, string>>;
};

/** A browser that keeps cookies for each origin and follows nothing by itself. */
export function createJar() {
  const jar = new Map<string, Map<string, string>>();
  return {
    cookies: (origin: string): ReadonlyMap<string, string> => jar.get(origin) ?? new Map(),
    async visit(url: string, { headers = {}, ...init }: VisitOptions = {}): Promise<Response> {
      const { origin } = new URL(url);
      const own = jar.get(origin) ?? new Map<string, string>();
      jar.set(origin, own);
      const answer = await fetch(url, {
        redirect: 'manual',
        signal: AbortSignal.timeout(60_000),
        ...init,
        headers: {
          ...headers,
          cookie: [...own].map(([name, value]) => `${name}=${value}`).join('; '),
        },
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') own.delete(name);
        else own.set(name, value);
      }
      return answer;
    },
  };
}

/** What a browser keeps. */
export type Jar = ReturnType<typeof createJar>;

function filledIn(
  html: string,
  user: string,
): { action: string; body: URLSearchParams } | undefined {
  const form = /<form[^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(html);
  if (form === null) return undefined;
  const body = new URLSearchParams();
  for (const [input] of String(form[2]).matchAll(/<input[^>]*>/gs)) {
    const read = (name: string): string =>
      new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1] ?? '';
    const typed = { login: user, password: 'any' }[read('name')];
    body.set(read('name'), typed ?? read('value'));
  }
  return { action: String(form[1]), body };
}

/**
 * Walks the provider's pages as somebody, until it leads back.
 *
 * @param jar of the browser
 * @param from where the walk begins
 * @param user any name
 * @param to the path at which the walk ends
 * @returns the address that it leads back to, not visited yet
 */
export async function walkToCallback(
  jar: Jar,
  from: string,
  user: string,
  to = '/console/callback',
): Promise<string> {
  let url = from;
  let body: URLSearchParams | undefined;
  for (let step = 0; step < 20; step += 1) {
    const answer = await jar.visit(url, body === undefined ? {} : { method: 'POST', body });
    const html = await answer.text();
    const location = answer.headers.get('location');
    body = undefined;
    if (location !== null) {
      url = new URL(location, url).href;
      if (new URL(url).pathname === to) return url;
      continue;
    }
    const form = filledIn(html, user);
    if (form === undefined) throw new Error(`the walk ended at ${url}: ${html.slice(0, 1_000)}`);
    url = new URL(form.action, url).href;
    ({ body } = form);
  }
  throw new Error('the provider led nowhere');
}
