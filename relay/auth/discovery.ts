import type { IssuerConfig } from '../config/config.ts';
import { FetchProblem } from './fetch-json.ts';
import { isObject } from './json.ts';

type GetJson = (url: string) => Promise<unknown>;
type Metadata = Readonly<Record<string, unknown>>;

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

/**
 * Checks the address of an endpoint: https, or plain http where the issuer's own is.
 *
 * @param value what the metadata or the configuration says
 * @param name the metadata's member, for the message
 * @param issuer the trusted issuer
 * @param configured whether the value is the administrator's, who may name a loopback address
 * @returns the address
 * @throws {FetchProblem} there is none; the issuer's other document may have it
 * @throws {Error} it is no https address
 */
function checkedEndpoint(
  value: unknown,
  name: string,
  issuer: Pick<IssuerConfig, 'issuer' | 'metadata'>,
  configured: boolean,
): string {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw new FetchProblem(`the metadata of ${issuer.issuer} has no usable ${name}`, true);
  const url = new URL(value);
  const plainAllowed =
    issuer.issuer.startsWith('http:') || (configured && loopbackHosts.test(url.hostname));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && plainAllowed))
    throw new Error(`the ${name} of ${issuer.issuer} is not https`);
  return value;
}

async function discover(
  issuer: Pick<IssuerConfig, 'issuer' | 'metadata'>,
  getJson: GetJson,
  read: (metadata: Metadata) => string,
): Promise<string> {
  let problem: unknown;
  for (const url of discoveryUrls(issuer.issuer))
    try {
      const metadata = await getJson(url);
      // The comparison is exact: a lax one lets one tenant's metadata stand for another's.
      if (!isObject(metadata) || metadata['issuer'] !== issuer.issuer)
        throw new FetchProblem(`${url} is not the metadata of ${issuer.issuer}`, true);
      return read(metadata);
    } catch (error) {
      problem ??= error;
      if (!(error instanceof FetchProblem) || !error.answered) break;
    }
  throw problem;
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
export async function discoverJwksUri(
  issuer: Pick<IssuerConfig, 'issuer' | 'metadata'>,
  getJson: GetJson,
): Promise<string> {
  const configured = issuer.metadata['jwks_uri'];
  if (configured !== undefined) return checkedEndpoint(configured, 'jwks_uri', issuer, true);
  return await discover(issuer, getJson, (metadata) =>
    checkedEndpoint(metadata['jwks_uri'], 'jwks_uri', issuer, false),
  );
}

/**
 * Finds where an issuer answers about tokens; what is configured wins over what discovery says.
 *
 * @param issuer the trusted issuer
 * @param getJson a bounded fetch that follows at most one redirect on the same origin
 * @returns the introspection endpoint; the alias for clients with certificates where they are used
 * @throws {Error} no metadata, metadata of another issuer, or an endpoint that is not https
 * @see RFC 8414 §2, RFC 8705 §5
 */
export async function discoverIntrospectionEndpoint(
  issuer: IssuerConfig,
  getJson: GetJson,
): Promise<string> {
  const name = 'introspection_endpoint';
  const configured = issuer.introspection?.endpoint ?? issuer.metadata[name];
  if (configured !== undefined) return checkedEndpoint(configured, name, issuer, true);
  const byCertificate = issuer.introspection?.authentication.kind === 'tls_client_auth';
  return await discover(issuer, getJson, (metadata) => {
    const aliases = metadata['mtls_endpoint_aliases'];
    const alias = byCertificate && isObject(aliases) ? aliases[name] : undefined;
    return checkedEndpoint(alias ?? metadata[name], name, issuer, false);
  });
}
