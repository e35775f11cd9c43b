import { z } from 'zod';
import { apiName, apiSchema } from './api-schema.ts';
import { issuerSchema } from './issuer-schema.ts';
import {
  authority,
  cidr,
  duration,
  flag,
  headerName,
  listen,
  origin,
  redisUrl,
  size,
  text,
} from './leaves.ts';

const DAY_MS = 86_400_000;

/** The shape of relay.yaml; unknown keys are faults. */
export const relaySchema = z.strictObject({
  listen: listen.prefault('127.0.0.1:8443'),
  publicUrl: origin.optional(),
  tls: z
    .strictObject({
      certFile: text,
      keyFile: text,
      clientCertificates: z.enum(['off', 'request'], 'must be off or request').default('off'),
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
    })
    .prefault({}),
  issuers: z.array(issuerSchema, 'must be a list of issuers').min(1, 'must list at least one'),
  apis: z.record(apiName, apiSchema).default({}),
  audit: z
    .strictObject({
      dir: text.default('./data/audit'),
      checkpoint: duration(1000, DAY_MS).prefault('60s'),
      sinks: z.array(z.unknown(), 'must be a list').default([]),
      retention: z.unknown().optional(),
    })
    .prefault({}),
  state: z
    .union(
      [z.literal('memory'), z.strictObject({ redis: redisUrl })],
      'must be memory or { redis: redis://host:port }',
    )
    .default('memory'),
  management: z.strictObject({ listen }).optional(),
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
    })
    .prefault({}),
});

/** What {@link relaySchema} makes of a file without faults. */
export type RelayFile = z.output<typeof relaySchema>;
