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
 * @returns the provider's configuration
 * @throws {AgentError} `provider_unreachable`, `provider_protocol`
 * @see RFC 8414 §3, OpenID Connect Discovery 1.0 §4
 */
export async function discover(
  party: Party,
  fetch: client.CustomFetch,
): Promise<client.Configuration> {
  const { issuer, clientId, endpoints = {} } = party;
  try {
    const published = await fetchMetadata(party, fetch);
    const server = { ...published, ...endpoints, issuer: published.issuer };
    checkMetadata(server, issuer);
    const config = new client.Configuration(server, clientId, undefined, client.None());
    if (new URL(issuer).protocol === 'http:') client.allowInsecureRequests(config);
    return config;
  } catch (error) {
    throw providerError(error, issuer, 'discovery');
  }
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
  const used = [server.authorization_endpoint, server.token_endpoint, server.revocation_endpoint];
  for (const endpoint of used) {
    const url = endpoint === undefined ? undefined : parseUrl(endpoint);
    if (endpoint !== undefined && !(url && isSafeTransport(url))) {
      throw new Error('an endpoint is not an https address');
    }
  }
}
