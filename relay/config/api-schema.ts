import { METHODS } from 'node:http';
import { z } from 'zod';
import { isHost, parseHttpUrl } from './addresses.ts';
import { credentialsSchema } from './credentials-schema.ts';
import { headerKey, templateFault } from './headers.ts';
import {
  checked,
  cidr,
  duration,
  flag,
  headerName,
  headerValue,
  httpUrl,
  oneOrMany,
  parsed,
  scope,
  size,
  some,
  text,
} from './leaves.ts';
import { readUpstream, UPSTREAM_FORM } from './upstream-url.ts';
import { apiPathFault, patternFault } from './paths.ts';
import { whenFault } from '../policy/when.ts';

const DAY_MS = 86_400_000;
const scalar = z.union(
  [z.string(), z.number(), z.boolean()],
  'must be a string, a number, true or false',
);

const method = checked((value) =>
  METHODS.includes(value) ? undefined : 'must be an HTTP method in capitals, such as GET',
);

const conditions = z.strictObject({
  methods: some(method).optional(),
  paths: some(checked(patternFault)).optional(),
  scopes: some(scope).optional(),
  anyScope: some(scope).optional(),
  roles: some(text).optional(),
  groups: some(text).optional(),
  clients: some(text).optional(),
  claims: z
    .record(
      text,
      z.union(
        [scalar, some(scalar)],
        'must be a string, a number, true, false or a list of these with at least one',
      ),
    )
    .refine(
      (claims) => Object.keys(claims).length > 0,
      'must name at least one claim; leave the key out for no such condition',
    )
    .optional(),
  from: some(cidr).optional(),
  acr: some(text).optional(),
  maxAge: duration(1000, 400 * DAY_MS).optional(),
  when: checked(whenFault).optional(),
});

const rule = z
  .strictObject({ name: text, allow: conditions.optional(), deny: conditions.optional() })
  .check((context) => {
    const { allow, deny } = context.value;
    if ((allow === undefined) === (deny === undefined))
      context.issues.push({
        code: 'custom',
        message: 'must have either allow or deny, and not both; `allow: {}` allows everybody',
        input: context.value,
      });
  });

function headerMap<T extends z.ZodType>(value: T) {
  return z
    .record(headerName, value)
    .check((context) => {
      const names = Object.keys(context.value);
      const again = names.find(
        (name, at) => names.findIndex((other) => headerKey(other) === headerKey(name)) !== at,
      );
      if (again !== undefined)
        context.issues.push({
          code: 'custom',
          message: 'is set twice in other spelling; keep one',
          input: context.value,
          path: [again],
        });
    })
    .default({});
}

const fieldName = checked((value) =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value) ? undefined : 'is not a header name',
);
const headerNames = z.array(headerName, 'must be a list of header names').default([]);
const timeout = duration(1, DAY_MS);

const upstream = oneOrMany(
  parsed(UPSTREAM_FORM, readUpstream),
  'a URL or a list of URLs with at least one',
);

const count = (max: number) =>
  z.int('must be a whole number').min(1, 'must be 1 or more').max(max, `must be at most ${max}`);

/**
 * An allowance, or a list of them.
 *
 * @param keys whose requests may share one
 * @returns the schema
 */
export function rates<const T extends readonly [string, ...string[]]>(keys: T) {
  return oneOrMany(
    z.strictObject({
      requests: count(1_000_000),
      per: duration(100, DAY_MS),
      by: z.enum(keys, `must be one of ${keys.join(', ')}`),
    }),
    'an allowance or a list of them, each { requests, per, by }',
  );
}

const queryName = checked((value) =>
  /^[A-Za-z0-9._~-]+$/.test(value)
    ? undefined
    : 'must be a parameter name of letters, digits and - . _ ~',
);

const rewrite = z
  .strictObject({ from: checked(patternFault), to: checked(patternFault) })
  .check((context) => {
    const { from, to } = context.value;
    const stars = (pattern: string): string =>
      pattern
        .split('/')
        .filter((segment) => segment.startsWith('*'))
        .join();
    if (stars(from) !== stars(to))
      context.issues.push({
        code: 'custom',
        message: 'must have the same `*` and `**` as `from`, in the same order',
        input: context.value,
        path: ['to'],
      });
  });

const cors = z
  .strictObject({
    origins: some(
      parsed('an origin such as https://app.example.com, or *', (value) => {
        if (value === '*') return value;
        const url = parseHttpUrl(value);
        return url?.pathname === '/' ? url.origin : undefined;
      }),
    ),
    methods: some(method).default(['GET', 'HEAD', 'POST']),
    headers: z.array(fieldName, 'must be a list of header names').default([]),
    exposeHeaders: z.array(fieldName, 'must be a list of header names').default([]),
    credentials: flag.default(false),
    maxAge: duration(0, DAY_MS).prefault('5m'),
  })
  .check((context) => {
    if (context.value.credentials && context.value.origins.includes('*'))
      context.issues.push({
        code: 'custom',
        message: 'must name its origins: with `credentials`, any page could act as the person',
        input: context.value,
        path: ['origins'],
      });
  });

const hostName = parsed('a host name without a port', (value) =>
  isHost(value.toLowerCase()) ? value.toLowerCase() : undefined,
);

/** The name of an API: it is a path segment and a label below `.localhost`, too. */
export const apiName = checked((value) =>
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)
    ? undefined
    : 'must be a name of at most 63 lower-case letters, digits and -',
);

/** One member of `apis`. */
export const apiSchema = z.strictObject({
  title: text.optional(),
  description: text.optional(),
  docs: httpUrl.optional(),
  path: checked(apiPathFault).optional(),
  stripPath: flag.default(true),
  hosts: z.array(hostName, 'must be a list of host names').default([]),
  upstream,
  upstreamTls: z
    .strictObject({ caFile: text.optional(), serverName: hostName.optional() })
    .optional(),
  health: z
    .strictObject({
      path: checked((value) =>
        /^\/[\x21-\x7e]*$/.test(value) && !value.includes('#')
          ? undefined
          : 'must begin with / and be visible ASCII',
      ),
      interval: duration(100, DAY_MS).prefault('5s'),
      timeout: duration(1, 60_000).prefault('2s'),
      unhealthyAfter: count(100).default(2),
      healthyAfter: count(100).default(2),
    })
    .optional(),
  balancing: z
    .strictObject({
      slowStart: duration(0, DAY_MS).prefault('10s'),
      breaker: z
        .strictObject({
          failures: count(1000).default(5),
          open: duration(100, DAY_MS).prefault('10s'),
        })
        .prefault({}),
      resolve: duration(1000, DAY_MS).prefault('30s'),
    })
    .prefault({}),
  rules: z.array(rule, 'must be a list of rules').default([]),
  request: z
    .strictObject({
      setHeaders: headerMap(checked(templateFault)),
      removeHeaders: headerNames,
      rewritePaths: z.array(rewrite, 'must be a list of { from, to }').default([]),
      setQuery: z.record(queryName, checked(templateFault)).default({}),
      removeQuery: z.array(queryName, 'must be a list of parameter names').default([]),
      credentials: credentialsSchema.optional(),
      assertion: flag.default(false),
      passAuthorization: flag.default(false),
    })
    .prefault({}),
  response: z
    .strictObject({
      setHeaders: headerMap(headerValue),
      removeHeaders: headerNames,
      rewriteLocation: flag.default(true),
      rewriteCookies: flag.default(true),
    })
    .prefault({}),
  limits: z
    .strictObject({
      body: size(1, 1024 ** 4).prefault('10MB'),
      rate: rates(['user', 'client', 'api', 'ip']).optional(),
      concurrent: count(1_000_000).optional(),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      connect: timeout.prefault('3s'),
      headers: timeout.prefault('30s'),
      idle: timeout.prefault('60s'),
      total: timeout.optional(),
    })
    .prefault({}),
  retries: z
    .int('must be a whole number')
    .min(0, 'must be 0 or more')
    .max(5, 'must be at most 5')
    .default(1),
  streams: z.strictObject({ graceful: duration(0, DAY_MS).prefault('0s') }).prefault({}),
  cors: cors.optional(),
  audit: z
    .strictObject({
      required: flag.default(true),
      retention: duration(DAY_MS, 10_000 * DAY_MS).optional(),
      query: z.array(text, 'must be a list of parameter names').default([]),
    })
    .prefault({}),
});
