import type { Fetch } from './outbound.ts';
import { z } from 'zod';
import { AgentError } from '../errors.ts';
import { isSafeTransport, parseUrl, transportReason } from './outbound.ts';

/** What the relay says of itself and of how to sign in. */
export interface RelayMetadata {
  /** The relay's identifier, the `resource` of every token request. */
  readonly resource: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly authorizationParameters: Readonly<Record<string, string>>;
  /** Its host and path are used; the port varies. */
  readonly redirectUri: string;
  /** The only ports to try, in order; empty means any. */
  readonly redirectPorts: readonly number[];
  /** Whether the relay takes, or wants, tokens bound by DPoP from this issuer. */
  readonly dpop: 'off' | 'optional' | 'required';
  /** Endpoints that the administrator set in place of what the provider publishes. */
  readonly endpoints: Readonly<Record<string, string>>;
}

const desktop = z.object({
  client_id: z.string().min(1).optional(),
  scopes: z.array(z.string()).optional(),
  authorization_parameters: z.record(z.string(), z.string()).optional(),
  redirect_uri: z.string().optional(),
  redirect_ports: z.array(z.number().int().min(1).max(65_535)).optional(),
  dpop: z.enum(['off', 'optional', 'required']).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

const metadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()).optional(),
  scopes_supported: z.array(z.string()).optional(),
  dpop_signing_alg_values_supported: z.array(z.string()).optional(),
  dpop_bound_access_tokens_required: z.boolean().optional(),
  latchkey: desktop.extend({ issuers: z.record(z.string(), desktop).optional() }),
});

/** What else a provider's metadata holds (its issuer, say) is never the relay's to set. */
const endpointNames = new Set([
  'authorization_endpoint',
  'device_authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
]);

/** A client that the relay's administrator need not have named: a machine that knows who it is. */
export interface NamedClient {
  readonly clientId: string;
  /** One of the relay's issuers; the first one, if absent. */
  readonly issuer?: string | undefined;
}

/** What {@link discoverRelay} works with. */
export interface DiscoverDeps {
  readonly fetch: Fetch;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** In place of the client that the relay names for the app. */
  readonly client?: NamedClient;
}

/**
 * Asks a relay how to sign in; the one thing that the app must be told is the relay's address.
 *
 * @param relay the relay's origin
 * @param deps fetch and time-out
 * @returns the relay's metadata for the client's issuer, or the first one that it names a client for
 * @throws {AgentError} `relay_unreachable`, `not_a_relay`, `no_desktop_client`; `bad_usage` for an issuer
 *   that is none of the relay's
 * @see RFC 9728 §3
 */
export async function discoverRelay(relay: URL, deps: DiscoverDeps): Promise<RelayMetadata> {
  const document = await readMetadata(relay, deps);
  const parsed = metadata.safeParse(document);
  if (!parsed.success) throw notARelay(relay, 'its description is not that of a Latchkey relay');
  const said = parseUrl(parsed.data.resource);
  // RFC 9728 §3.3: a description of another resource must not be used.
  if (said?.origin !== relay.origin) {
    const name = said === undefined ? 'something else' : said.origin;
    throw notARelay(relay, `it calls itself ${name}; use that address if it is the one you want`);
  }
  return signInOptions(relay, parsed.data, deps.client);
}

type Document = z.infer<typeof metadata>;

/** Who signs in, where, and what the relay says of it. */
interface Offer {
  readonly issuer: string;
  readonly clientId: string;
  readonly chosen: z.infer<typeof desktop>;
}

/** Where the relay tells issuers apart, a client id is never used at another issuer than its own. */
function offerToApp(relay: URL, document: Document): Offer {
  const servers = document.authorization_servers ?? [];
  const { issuers } = document.latchkey;
  const issuer = issuers ? servers.find((server) => issuers[server]?.client_id) : servers[0];
  const chosen = (issuer === undefined ? undefined : issuers?.[issuer]) ?? document.latchkey;
  if (issuer === undefined || chosen.client_id === undefined) {
    throw new AgentError(
      'no_desktop_client',
      `The relay ${relay.host} offers no sign-in for this app. Ask its administrator to set \`desktop.clientId\` for an issuer.`,
    );
  }
  return { issuer, clientId: chosen.client_id, chosen };
}

/** What the administrator set for one issuer is never used at another. */
function offerTo(client: NamedClient, relay: URL, document: Document): Offer {
  const servers = document.authorization_servers ?? [];
  const { issuer = servers[0], clientId } = client;
  if (issuer === undefined) throw notARelay(relay, 'it names no identity provider');
  if (!servers.includes(issuer)) {
    throw new AgentError(
      'bad_usage',
      `--issuer must be one of those that the relay takes tokens from: ${servers.join(', ')}.`,
    );
  }
  const { issuers, ...all } = document.latchkey;
  const chosen = issuers ? (issuers[issuer] ?? {}) : issuer === servers[0] ? all : {};
  return { issuer, clientId, chosen };
}

function signInOptions(relay: URL, document: Document, client?: NamedClient): RelayMetadata {
  const offer =
    client === undefined ? offerToApp(relay, document) : offerTo(client, relay, document);
  const { issuer, clientId, chosen } = offer;
  const issuerUrl = parseUrl(issuer);
  if (!issuerUrl || !isSafeTransport(issuerUrl)) {
    throw notARelay(relay, 'its identity provider has no https address');
  }
  const { resource } = document;
  const dpop = chosen.dpop ?? dpopOf(document);
  return { resource, issuer, clientId, dpop, ...offered(relay, chosen) };
}

/** What the relay leaves out is what most providers want. */
function offered(
  relay: URL,
  chosen: z.infer<typeof desktop>,
): Omit<RelayMetadata, 'resource' | 'issuer' | 'clientId' | 'dpop'> {
  return {
    scopes: chosen.scopes ?? ['openid'],
    authorizationParameters: chosen.authorization_parameters ?? {},
    redirectUri: checkRedirectUri(relay, chosen.redirect_uri ?? 'http://127.0.0.1/callback'),
    redirectPorts: chosen.redirect_ports ?? [],
    endpoints: Object.fromEntries(
      Object.entries(chosen.metadata ?? {}).filter(([name]) => endpointNames.has(name)),
    ),
  };
}

/** A relay that doesn't tell issuers apart says it for all of them (RFC 9728 §2). */
function dpopOf(document: Document): RelayMetadata['dpop'] {
  if (document.dpop_bound_access_tokens_required) return 'required';
  return document.dpop_signing_alg_values_supported?.includes('ES256') ? 'optional' : 'off';
}

function checkRedirectUri(relay: URL, text: string): string {
  const url = parseUrl(text);
  const plain = url?.protocol === 'http:' && !url.search && !url.hash && !url.username;
  // The code must come back to this machine, whatever a relay says.
  if (plain && isSafeTransport(url)) return text;
  throw notARelay(relay, 'its `desktop.redirectUri` is not an http address on this computer');
}

async function readMetadata(relay: URL, deps: DiscoverDeps): Promise<unknown> {
  const url = new URL('/.well-known/oauth-protected-resource', relay).href;
  const timeout = AbortSignal.timeout(deps.timeoutMs);
  const signal = deps.signal ? AbortSignal.any([deps.signal, timeout]) : timeout;
  let response: Response;
  let text: string;
  try {
    response = await deps.fetch(url, {
      signal,
      redirect: 'manual',
      headers: { accept: 'application/json' },
    });
    text = await response.text();
  } catch (error) {
    throw unreachable(relay, transportReason(error), error);
  }
  if (response.status >= 500) throw unreachable(relay, `it answers ${response.status}`);
  if (response.status !== 200) throw notARelay(relay, `it answers ${response.status}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notARelay(relay, 'its answer is not JSON', error);
  }
}

function unreachable(relay: URL, reason: string, cause?: unknown): AgentError {
  return new AgentError(
    'relay_unreachable',
    `The relay ${relay.host} cannot be reached (${reason}). Check the network and the relay's address; Latchkey keeps trying.`,
    { cause },
  );
}

function notARelay(relay: URL, reason: string, cause?: unknown): AgentError {
  return new AgentError(
    'not_a_relay',
    `${relay.origin} is not the address of a Latchkey relay: ${reason}. Check the address with your administrator.`,
    { cause },
  );
}
