import type { IssuerConfig } from '../config/config.ts';
import { FetchProblem } from './fetch-json.ts';
import { isObject } from './json.ts';

type GetJson = (url: string) => Promise<unknown>;

const loopbackHosts = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Lists where an issuer may publish its metadata, in the order to try.
 *
 * @param issuer the issuer identifier
 * @returns OpenID Connect's address (path, then suffix), then OAuth's (suffix, then path)
 * @see OpenID Connect Discovery 1.0 §4, RFC 8414 §3.1
 */
export function discoveryUrls(issuer: string): readonly string[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  return [
    `${url.origin}${path}/.well-known/openid-configuration`,
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

function checkedJwksUri(value: unknown, issuer: IssuerConfig): string {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw new Error(`the metadata of ${issuer.issuer} has no usable jwks_uri`);
  const url = new URL(value);
  const configured = issuer.metadata['jwks_uri'] === value;
  const plainAllowed =
    issuer.issuer.startsWith('http:') || (configured && loopbackHosts.test(url.hostname));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && plainAllowed))
    throw new Error(`the jwks_uri of ${issuer.issuer} is not https`);
  return value;
}

/**
 * Finds where an issuer publishes its keys; configured metadata wins over what discovery says.
 *
 * @param issuer the trusted issuer
 * @param getJson a bounded fetch that follows at most one redirect on the same origin
 * @returns the jwks_uri
 * @throws {Error} no metadata, metadata of another issuer, or a jwks_uri that is not https
 * @see RFC 8414 §3.3
 */
export async function discoverJwksUri(issuer: IssuerConfig, getJson: GetJson): Promise<string> {
  const configured = issuer.metadata['jwks_uri'];
  if (configured !== undefined) return checkedJwksUri(configured, issuer);
  let problem: unknown;
  for (const url of discoveryUrls(issuer.issuer))
    try {
      const metadata = await getJson(url);
      // The comparison is exact: a lax one lets one tenant's metadata stand for another's.
      if (!isObject(metadata) || metadata['issuer'] !== issuer.issuer)
        throw new FetchProblem(`${url} is not the metadata of ${issuer.issuer}`, true);
      return checkedJwksUri(metadata['jwks_uri'], issuer);
    } catch (error) {
      problem ??= error;
      if (!(error instanceof FetchProblem) || !error.answered) break;
    }
  throw problem;
}
