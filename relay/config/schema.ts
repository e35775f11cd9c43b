import { z } from 'zod';
import { anomalySchema } from './anomaly-schema.ts';
import { apiName, apiSchema, rates } from './api-schema.ts';
import { issuerSchema } from './issuer-schema.ts';
import { telemetrySchema } from './telemetry-schema.ts';
import { managementSchema } from './management-schema.ts';
import {
  authority,
  cidr,
  duration,
  flag,
  headerName,
  listen,
  oneOrMany,
  origin,
  redisUrl,
  size,
  text,
} from './leaves.ts';
import { sinkSchema } from './sink-schema.ts';

const DAY_MS = 86_400_000;
const WORKERS = 'must be auto, or a number of processes from 1 to 256';

/** The shape of relay.yaml; unknown keys are faults. */
export const relaySchema = z.strictObject({
  listen: oneOrMany(
    listen,
    'host:port, [IPv6]:port or unix:/absolute/path, or a list of these',
  ).prefault(['127.0.0.1:8443']),
  publicUrl: origin.optional(),
  tls: z
    .strictObject({
      certFile: text,
      keyFile: text,
      clientCertificates: z.enum(['off', 'request'], 'must be off or request').default('off'),
      additional: z
        .array(z.strictObject({ certFile: text, keyFile: text }), 'must be a list of certificates')
        .default([]),
    })
    .optional(),
  proxyProtocol: flag.default(false),
  workers: z
    .union([z.literal('auto'), z.int().min(1, WORKERS).max(256, WORKERS)], WORKERS)
    .default(1),
  reusePort: flag.default(false),
  drain: z
    .strictObject({
      delay: duration(0, 3_600_000).prefault('0s'),
      timeout: duration(0, DAY_MS).prefault('30s'),
    })
    .prefault({}),
  assertion: z
    .strictObject({
      keyFile: text,
      furtherKeyFiles: z.array(text, 'must be a list of files').default([]),
    })
    .optional(),
  clientCertificateHeader: headerName.optional(),
  trustedProxies: z.array(cidr, 'must be a list of CIDRs').default([]),
  additionalHosts: z.array(authority, 'must be a list of hosts').default([]),
  insecure: z
    .strictObject({
      plainHttp: flag.default(false),
      plainIssuer: flag.default(false),
      plainUpstream: flag.default(false),
      trustAnyProxy: flag.default(false),
      plainState: flag.default(false),
      plainSink: flag.default(false),
      plainTelemetry: flag.default(false),
    })
    .prefault({}),
  issuers: z.array(issuerSchema, 'must be a list of issuers').min(1, 'must list at least one'),
  apis: z.record(apiName, apiSchema).default({}),
  audit: z
    .strictObject({
      dir: text.default('./data/audit'),
      keyFile: text.optional(),
      checkpoint: duration(1000, DAY_MS).prefault('60s'),
      durability: z.enum(['process', 'power'], 'must be process or power').default('process'),
      sinks: z.array(sinkSchema, 'must be a list of sinks').default([]),
      retention: duration(DAY_MS, 10_000 * DAY_MS).prefault('400d'),
      ip: z.enum(['full', 'truncated', 'none'], 'must be full, truncated or none').default('full'),
    })
    .prefault({}),
  state: z
    .union(
      [z.literal('memory'), z.strictObject({ redis: redisUrl })],
      'must be memory or { redis: redis://host:port }',
    )
    .default('memory'),
  management: managementSchema.optional(),
  telemetry: telemetrySchema.optional(),
  anomalies: anomalySchema.prefault({}),
  limits: z
    .strictObject({
      headers: size(1024, 1024 ** 2).prefault('32KB'),
      url: size(64, 1024 ** 2).prefault('8KB'),
      connections: z
        .int('must be a whole number')
        .min(1, 'must be 1 or more')
        .max(1_000_000, 'must be at most 1000000')
        .default(10_000),
      headersTimeout: duration(1, DAY_MS / 24).prefault('10s'),
      bodyRate: size(1, 1024 ** 3).prefault('1KB'),
      bodyGrace: duration(100, DAY_MS / 24).prefault('10s'),
      failedAuthentications: z
        .union(
          [
            z.literal('off'),
            z.strictObject({
              requests: z.int().min(1).max(1_000_000),
              per: duration(1000, DAY_MS),
            }),
          ],
          'must be off or { requests, per }',
        )
        .prefault({ requests: 6000, per: '1m' }),
      connectionsPerIp: z.int('must be a whole number').min(1, 'must be 1 or more').optional(),
      rate: rates(['user', 'client', 'ip']).optional(),
    })
    .prefault({}),
});

/** What {@link relaySchema} makes of a file without faults. */
export type RelayFile = z.output<typeof relaySchema>;
