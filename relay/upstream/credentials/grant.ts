import type { TokenEndpoint } from '../../config/api-config.ts';

/**
 * What tokens are asked for, whatever the grant.
 *
 * @param endpoint as configured
 * @returns `scope`, `resource` and `audience`, as far as they are configured
 * @see RFC 6749 §3.3, RFC 8707 §2, RFC 8693 §2.1
 */
export function grantParameters(endpoint: TokenEndpoint): Readonly<Record<string, string>> {
  const { scopes, resource, audience } = endpoint;
  return {
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(resource === undefined ? {} : { resource }),
    ...(audience === undefined ? {} : { audience }),
  };
}
