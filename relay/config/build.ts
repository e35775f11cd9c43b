import { resolve } from 'node:path';
import type {
  ApiConfig,
  ClientAuthentication,
  InsecureName,
  IntrospectionConfig,
  IssuerConfig,
  RelayConfig,
  RuleConfig,
  UpstreamCredentials,
} from './config.ts';
import type { RelayFile } from './schema.ts';

/** What a checked file becomes a configuration with. */
export interface BuildContext {
  /** The configuration file, absolute. */
  readonly file: string;
  /** Of the configuration file. */
  readonly directory: string;
  readonly secrets: ReadonlyMap<string, string>;
  /** SHA-256 of the file's bytes, hex. */
  readonly hash: string;
}

type IssuerFile = RelayFile['issuers'][number];
type ApiFile = RelayFile['apis'][string];
type RuleFile = ApiFile['rules'][number];

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves members out that are undefined, as exactOptionalPropertyTypes wants it. */
function present<T extends object>(value: T): Partial<Present<T>> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Partial<Present<T>>;
}

function secretOf(secrets: BuildContext['secrets'], name: string): string {
  const value = secrets.get(name);
  if (value === undefined) throw new Error('a secret file was not read');
  return value;
}

function authenticationOf(
  file: NonNullable<IssuerFile['introspection']>,
  secrets: BuildContext['secrets'],
): ClientAuthentication {
  const { clientSecretFile, privateKeyFile, clientCertificate, keyId } = file;
  if (clientSecretFile !== undefined)
    return { kind: 'client_secret_basic', secret: secretOf(secrets, clientSecretFile) };
  if (privateKeyFile !== undefined)
    return {
      kind: 'private_key_jwt',
      key: secretOf(secrets, privateKeyFile),
      ...present({ keyId }),
    };
  if (clientCertificate === undefined) throw new Error('an authentication was not checked');
  return {
    kind: 'tls_client_auth',
    certificate: secretOf(secrets, clientCertificate.certFile),
    key: secretOf(secrets, clientCertificate.keyFile),
  };
}

function introspectionOf(
  file: IssuerFile,
  secrets: BuildContext['secrets'],
): IntrospectionConfig | undefined {
  const { introspection, metadata } = file;
  if (file.tokens !== 'introspection' || introspection === undefined) return undefined;
  return {
    clientId: introspection.clientId,
    authentication: authenticationOf(introspection, secrets),
    cacheMs: introspection.cache,
    negativeCacheMs: introspection.negativeCache,
    timeoutMs: introspection.timeout,
    ...present({ endpoint: introspection.endpoint ?? metadata.introspection_endpoint }),
  };
}

function issuerOf(
  file: IssuerFile,
  publicUrl: string | undefined,
  secrets: BuildContext['secrets'],
): IssuerConfig {
  return {
    issuer: file.issuer,
    audience: file.audience ?? (publicUrl === undefined ? [] : [publicUrl]),
    tokens: file.tokens,
    profile: file.profile,
    algorithms: file.algorithms,
    clockToleranceMs: file.clockTolerance,
    maxStaleMs: file.maxStale,
    dpop: typeof file.dpop === 'string' ? file.dpop : file.dpop.mode,
    dpopNonce: typeof file.dpop === 'string' ? file.dpop === 'required' : file.dpop.nonce === true,
    claims: file.claims,
    metadata: present(file.metadata),
    ...present({ introspection: introspectionOf(file, secrets), desktop: file.desktop }),
  };
}

function ruleOf(file: RuleFile): RuleConfig {
  const effect = file.allow ? 'allow' : 'deny';
  const { maxAge, ...conditions } = file.allow ?? file.deny ?? {};
  return { name: file.name, effect, ...present({ ...conditions, maxAgeMs: maxAge }) };
}

function credentialsOf(
  file: NonNullable<ApiFile['request']['credentials']>,
  secrets: BuildContext['secrets'],
): UpstreamCredentials | undefined {
  const secret = (name: string): string => secretOf(secrets, name);
  const { basic, bearerFile, header } = file;
  if (basic)
    return { kind: 'basic', username: basic.username, password: secret(basic.passwordFile) };
  if (bearerFile !== undefined) return { kind: 'bearer', token: secret(bearerFile) };
  if (header) return { kind: 'header', name: header.name, value: secret(header.valueFile) };
  return undefined;
}

function apiOf(name: string, file: ApiFile, secrets: BuildContext['secrets']): ApiConfig {
  const { credentials, setHeaders, removeHeaders, passAuthorization } = file.request;
  return {
    name,
    title: file.title ?? name,
    ...present({ description: file.description, docs: file.docs }),
    path: file.path ?? `/${name}`,
    stripPath: file.stripPath,
    hosts: file.hosts,
    upstreams: file.upstream,
    rules: file.rules.map(ruleOf),
    request: {
      setHeaders,
      removeHeaders,
      passAuthorization,
      ...present({ credentials: credentials && credentialsOf(credentials, secrets) }),
    },
    response: file.response,
    limits: { bodyBytes: file.limits.body },
    timeouts: {
      connectMs: file.timeouts.connect,
      headersMs: file.timeouts.headers,
      idleMs: file.timeouts.idle,
    },
    audit: { required: file.audit.required, query: file.audit.query },
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/**
 * Makes the configuration that the relay runs by out of a file without faults.
 *
 * @param file the schema's output
 * @param context what the file refers to
 * @returns the configuration, frozen to its depth; paths are absolute
 */
export function buildConfig(file: RelayFile, context: BuildContext): RelayConfig {
  const { directory, secrets, hash } = context;
  const { publicUrl, tls } = file;
  return deepFreeze<RelayConfig>({
    listen: file.listen,
    ...present({
      publicUrl,
      tls: tls && {
        certFile: resolve(directory, tls.certFile),
        keyFile: resolve(directory, tls.keyFile),
        clientCertificates: tls.clientCertificates === 'request',
      },
      management: file.management,
      clientCertificateHeader: file.clientCertificateHeader?.toLowerCase(),
    }),
    state: file.state === 'memory' ? { kind: 'memory' } : { kind: 'redis', url: file.state.redis },
    files: [context.file, ...[...secrets.keys()].map((name) => resolve(directory, name))],
    trustedProxies: file.trustedProxies,
    additionalHosts: file.additionalHosts,
    insecure: (Object.keys(file.insecure) as InsecureName[]).filter((name) => file.insecure[name]),
    issuers: file.issuers.map((issuer) => issuerOf(issuer, publicUrl, secrets)),
    apis: Object.entries(file.apis).map(([name, api]) => apiOf(name, api, secrets)),
    audit: { dir: resolve(directory, file.audit.dir), checkpointMs: file.audit.checkpoint },
    limits: {
      headersBytes: file.limits.headers,
      urlBytes: file.limits.url,
      connections: file.limits.connections,
      headersTimeoutMs: file.limits.headersTimeout,
    },
    hash,
  });
}
