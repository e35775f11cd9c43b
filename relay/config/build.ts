import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { InsecureName, IntrospectionConfig, IssuerConfig, RelayConfig } from './config.ts';
import { anomaliesOf } from './build-anomalies.ts';
import { apiOf, ratesOf } from './build-api.ts';
import { managementOf } from './build-management.ts';
import { telemetryOf } from './build-telemetry.ts';
import { authenticationOf, present, secretOf, type SecretContents } from './build-parts.ts';
import { sinkOf } from './build-sinks.ts';
import type { RelayFile } from './schema.ts';

/** What a checked file becomes a configuration with. */
export interface BuildContext {
  /** The configuration file, absolute. */
  readonly file: string;
  /** Of the configuration file. */
  readonly directory: string;
  readonly secrets: SecretContents;
  /** SHA-256 of the file's bytes, hex. */
  readonly hash: string;
}

type IssuerFile = RelayFile['issuers'][number];

function introspectionOf(
  file: IssuerFile,
  secrets: SecretContents,
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
  secrets: SecretContents,
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

function limitsOf(file: RelayFile['limits']): RelayConfig['limits'] {
  const { failedAuthentications: failed } = file;
  return {
    headersBytes: file.headers,
    urlBytes: file.url,
    connections: file.connections,
    headersTimeoutMs: file.headersTimeout,
    bodyBytesPerSecond: file.bodyRate,
    bodyGraceMs: file.bodyGrace,
    rates: ratesOf(file.rate),
    ...present({
      connectionsPerIp: file.connectionsPerIp,
      failedAuthentications:
        failed === 'off' ? undefined : { requests: failed.requests, perMs: failed.per },
    }),
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
  const { publicUrl, tls, assertion, limits } = file;
  return deepFreeze<RelayConfig>({
    listen: file.listen,
    proxyProtocol: file.proxyProtocol,
    workers: file.workers === 'auto' ? availableParallelism() : file.workers,
    reusePort: file.reusePort,
    drain: { delayMs: file.drain.delay, timeoutMs: file.drain.timeout },
    ...present({
      publicUrl,
      tls: tls && {
        certFile: resolve(directory, tls.certFile),
        keyFile: resolve(directory, tls.keyFile),
        clientCertificates: tls.clientCertificates === 'request',
        additional: tls.additional.map(({ certFile, keyFile }) => ({
          certFile: resolve(directory, certFile),
          keyFile: resolve(directory, keyFile),
        })),
      },
      management: file.management && managementOf(file.management, directory, secrets),
      telemetry: file.telemetry && telemetryOf(file.telemetry, secrets),
      anomalies: anomaliesOf(file.anomalies, secrets),
      assertionKeys:
        assertion &&
        [assertion.keyFile, ...assertion.furtherKeyFiles].map((name) => secretOf(secrets, name)),
      clientCertificateHeader: file.clientCertificateHeader?.toLowerCase(),
    }),
    state: file.state === 'memory' ? { kind: 'memory' } : { kind: 'redis', url: file.state.redis },
    files: [context.file, ...[...secrets.keys()].map((name) => resolve(directory, name))],
    trustedProxies: file.trustedProxies,
    additionalHosts: file.additionalHosts,
    insecure: (Object.keys(file.insecure) as InsecureName[]).filter((name) => file.insecure[name]),
    issuers: file.issuers.map((issuer) => issuerOf(issuer, publicUrl, secrets)),
    apis: Object.entries(file.apis).map(([name, api]) => apiOf(name, api, secrets)),
    audit: {
      dir: resolve(directory, file.audit.dir),
      ...(file.audit.keyFile === undefined
        ? {}
        : { keyFile: resolve(directory, file.audit.keyFile) }),
      checkpointMs: file.audit.checkpoint,
      durability: file.audit.durability,
      retentionMs: file.audit.retention,
      ip: file.audit.ip,
      sinks: file.audit.sinks.map((sink) => sinkOf(sink, directory, secrets)),
    },
    limits: limitsOf(limits),
    hash,
  });
}
