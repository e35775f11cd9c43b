import type { TokenSet } from '../session/token-set.ts';
import * as client from 'openid-client';
import { isSafeTransport, parseUrl } from './outbound.ts';
import { providerError } from './provider-errors.ts';
import { NoSuchDocument } from './provider-fetch.ts';

/** Who is to be found, and what the relay's administrator set. */
export type Party = Pick<TokenSet, 'issuer' | 'clientId' | 'endpoints'>;

/**
 * Finds out how a provider is spoken to. What the administrator set wins over what the provider publishes,
 * and does alone where it publishes nothing; the checks are the same.
 *
 * @param party issuer, client id, and endpoints that were set
 * @param fetch guarded
 * @returns the provider's metadata
 * @throws {AgentError} `provider_unreachable`, `provider_protocol`
 * @see RFC 8414 §3, OpenID Connect Discovery 1.0 §4
 */
export async function discoverMetadata(
  party: Party,
  fetch: client.CustomFetch,
): Promise<client.ServerMetadata> {
  const { issuer, endpoints = {} } = party;
  try {
    const published = await fetchMetadata(party, fetch);
    const server = { ...published, ...endpoints, issuer: published.issuer };
    checkMetadata(server, issuer);
    return server;
  } catch (error) {
    throw providerError(error, issuer, 'discovery');
  }
}

/**
 * Finds out how a provider is spoken to, for a client that only names itself.
 *
 * @param party issuer, client id, and endpoints that were set
 * @param fetch guarded
 * @returns the provider's configuration
 * @throws {AgentError} `provider_unreachable`, `provider_protocol`
 */
export async function discover(
  party: Party,
  fetch: client.CustomFetch,
): Promise<client.Configuration> {
  return configurationOf(await discoverMetadata(party, fetch), party);
}

/**
 * Makes the library's view of a provider. Each call has one of its own, so that none changes another's fetch.
 *
 * @param server the provider's metadata, checked
 * @param party issuer and client id
 * @param authentication how the client shows who it is; a public client only names itself
 * @returns the configuration
 */
export function configurationOf(
  server: client.ServerMetadata,
  { issuer, clientId }: Party,
  authentication: client.ClientAuth = client.None(),
): client.Configuration {
  const config = new client.Configuration(server, clientId, undefined, authentication);
  if (new URL(issuer).protocol === 'http:') client.allowInsecureRequests(config);
  return config;
}

async function fetchMetadata(
  { issuer, clientId, endpoints = {} }: Party,
  fetch: client.CustomFetch,
): Promise<client.ServerMetadata> {
  const url = new URL(issuer);
  const run = async (algorithm: 'oidc' | 'oauth2'): Promise<client.ServerMetadata> => {
    const config = await client.discovery(url, clientId, undefined, client.None(), {
      algorithm,
      execute: url.protocol === 'http:' ? [client.allowInsecureRequests] : [],
      [client.customFetch]: fetch,
    });
    const { supportsPKCE: _helper, ...server } = config.serverMetadata();
    return server;
  };
  try {
    return await run('oidc').catch((error: unknown) => {
      if (isAbsent(error)) return run('oauth2');
      throw error;
    });
  } catch (error) {
    if (endpoints['authorization_endpoint'] && endpoints['token_endpoint'] && isAbsent(error)) {
      return { issuer };
    }
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof NoSuchDocument;
}

/** Exact issuer (RFC 8414 §3.3), and no endpoint that would carry secrets in the clear or open something else than a page. */
function checkMetadata(server: Readonly<client.ServerMetadata>, issuer: string): void {
  if (server.issuer !== issuer) throw new Error('its issuer is not exactly the one asked for');
  if (!server.authorization_endpoint || !server.token_endpoint) {
    throw new Error('authorization_endpoint or token_endpoint is missing');
  }
  const used = [
    server.authorization_endpoint,
    server.token_endpoint,
    server.revocation_endpoint,
    server.device_authorization_endpoint,
  ];
  for (const endpoint of used) {
    const url = endpoint === undefined ? undefined : parseUrl(endpoint);
    if (endpoint !== undefined && !(url && isSafeTransport(url))) {
      throw new Error('an endpoint is not an https address');
    }
  }
}
