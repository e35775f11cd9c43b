import type {
  ApiConfig,
  CorsConfig,
  HealthConfig,
  RateLimit,
  RuleConfig,
  TokenEndpoint,
  UpstreamCredentials,
} from './api-config.ts';
import { authenticationOf, present, secretOf, type SecretContents } from './build-parts.ts';
import type { CredentialsFile, TokenEndpointFile } from './credentials-schema.ts';
import type { RelayFile } from './schema.ts';

type ApiFile = RelayFile['apis'][string];
type RuleFile = ApiFile['rules'][number];

function ruleOf(file: RuleFile): RuleConfig {
  const effect = file.allow ? 'allow' : 'deny';
  const { maxAge, ...conditions } = file.allow ?? file.deny ?? {};
  return { name: file.name, effect, ...present({ ...conditions, maxAgeMs: maxAge }) };
}

function tokenEndpointOf(file: TokenEndpointFile, secrets: SecretContents): TokenEndpoint {
  return {
    url: file.tokenEndpoint,
    clientId: file.clientId,
    authentication: authenticationOf(file, secrets),
    scopes: file.scopes,
    timeoutMs: file.timeout,
    ...present({ resource: file.resource, audience: file.audience }),
  };
}

function credentialsOf(
  file: CredentialsFile,
  secrets: SecretContents,
): UpstreamCredentials | undefined {
  const secret = (name: string): string => secretOf(secrets, name);
  const { basic, bearerFile, header, clientCertificate, awsSigV4 } = file;
  if (basic)
    return { kind: 'basic', username: basic.username, password: secret(basic.passwordFile) };
  if (bearerFile !== undefined) return { kind: 'bearer', token: secret(bearerFile) };
  if (header) return { kind: 'header', name: header.name, value: secret(header.valueFile) };
  if (clientCertificate)
    return {
      kind: 'clientCertificate',
      certificate: secret(clientCertificate.certFile),
      key: secret(clientCertificate.keyFile),
    };
  if (awsSigV4) {
    const { region, service, accessKeyId, secretAccessKeyFile, sessionTokenFile } = awsSigV4;
    const sessionToken = sessionTokenFile === undefined ? undefined : secret(sessionTokenFile);
    return {
      kind: 'awsSigV4',
      region,
      service,
      accessKeyId,
      secretAccessKey: secret(secretAccessKeyFile),
      ...present({ sessionToken }),
    };
  }
  if (file.clientCredentials)
    return {
      kind: 'clientCredentials',
      endpoint: tokenEndpointOf(file.clientCredentials, secrets),
    };
  if (file.tokenExchange)
    return { kind: 'tokenExchange', endpoint: tokenEndpointOf(file.tokenExchange, secrets) };
  return undefined;
}

/**
 * Reads allowances.
 *
 * @param file as written, if at all
 * @returns one or more, or none
 */
export function ratesOf(
  file:
    | readonly {
        readonly requests: number;
        readonly per: number;
        readonly by: RateLimit['by'];
      }[]
    | undefined,
): readonly RateLimit[] {
  return (file ?? []).map(({ requests, per, by }) => ({ requests, perMs: per, by }));
}

function healthOf(file: NonNullable<ApiFile['health']>): HealthConfig {
  const { path, interval, timeout, unhealthyAfter, healthyAfter } = file;
  return { path, intervalMs: interval, timeoutMs: timeout, unhealthyAfter, healthyAfter };
}

function corsOf({ maxAge, ...cors }: NonNullable<ApiFile['cors']>): CorsConfig {
  return { ...cors, maxAgeMs: maxAge };
}

function upstreamTlsOf(
  { caFile, serverName }: NonNullable<ApiFile['upstreamTls']>,
  secrets: SecretContents,
): NonNullable<ApiConfig['upstreamTls']> {
  return present({
    ca: caFile === undefined ? undefined : secretOf(secrets, caFile),
    serverName,
  });
}

function requestOf(file: ApiFile['request'], secrets: SecretContents): ApiConfig['request'] {
  const { credentials, ...rest } = file;
  return {
    ...rest,
    ...present({ credentials: credentials && credentialsOf(credentials, secrets) }),
  };
}

/**
 * Makes one API's configuration of its part of the file.
 *
 * @param name its key
 * @param file the schema's output
 * @param secrets what the files hold
 * @returns the API
 */
export function apiOf(name: string, file: ApiFile, secrets: SecretContents): ApiConfig {
  const { balancing, limits, timeouts } = file;
  return {
    name,
    title: file.title ?? name,
    path: file.path ?? `/${name}`,
    stripPath: file.stripPath,
    hosts: file.hosts,
    upstreams: file.upstream,
    rules: file.rules.map(ruleOf),
    request: requestOf(file.request, secrets),
    response: file.response,
    limits: {
      bodyBytes: limits.body,
      rates: ratesOf(limits.rate),
      ...present({ concurrent: limits.concurrent }),
    },
    balancing: {
      slowStartMs: balancing.slowStart,
      breakerFailures: balancing.breaker.failures,
      breakerOpenMs: balancing.breaker.open,
      resolveMs: balancing.resolve,
    },
    retries: file.retries,
    streams: { gracefulMs: file.streams.graceful },
    timeouts: {
      connectMs: timeouts.connect,
      headersMs: timeouts.headers,
      idleMs: timeouts.idle,
      ...present({ totalMs: timeouts.total }),
    },
    audit: {
      required: file.audit.required,
      query: file.audit.query,
      ...present({ retentionMs: file.audit.retention }),
    },
    ...present({
      description: file.description,
      docs: file.docs,
      upstreamTls: file.upstreamTls && upstreamTlsOf(file.upstreamTls, secrets),
      health: file.health && healthOf(file.health),
      cors: file.cors && corsOf(file.cors),
    }),
  };
}
