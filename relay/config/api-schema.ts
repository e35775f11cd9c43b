import { METHODS } from 'node:http';
import { z } from 'zod';
import { isHost, parseHttpUrl } from './addresses.ts';
import { headerKey, templateFault } from './headers.ts';
import {
  checked,
  cidr,
  duration,
  flag,
  headerName,
  headerValue,
  httpUrl,
  parsed,
  scope,
  size,
  some,
  text,
} from './leaves.ts';
import { apiPathFault, patternFault } from './paths.ts';
import { whenFault } from '../policy/when.ts';

const DAY_MS = 86_400_000;
const scalar = z.union(
  [z.string(), z.number(), z.boolean()],
  'must be a string, a number, true or false',
);

const conditions = z.strictObject({
  methods: some(
    checked((value) =>
      METHODS.includes(value) ? undefined : 'must be an HTTP method in capitals, such as GET',
    ),
  ).optional(),
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
        [scalar, z.array(scalar).min(1)],
        'must be a string, a number, true, false or a list of these with at least one',
      ),
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

const credentials = z
  .strictObject({
    basic: z
      .strictObject({
        username: checked((value) =>
          /^[\x20-\x39\x3b-\x7e]+$/.test(value)
            ? undefined
            : 'must be visible ASCII without a colon',
        ),
        passwordFile: text,
      })
      .optional(),
    bearerFile: text.optional(),
    header: z.strictObject({ name: headerName, valueFile: text }).optional(),
    clientCertificate: z.unknown().optional(),
  })
  .check((context) => {
    if (Object.keys(context.value).length !== 1)
      context.issues.push({
        code: 'custom',
        message: 'must have exactly one of basic, bearerFile and header',
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

const headerNames = z.array(headerName, 'must be a list of header names').default([]);
const timeout = duration(1, DAY_MS);

const upstream = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z
    .array(
      parsed(
        'an http or https origin such as https://10.0.0.5:9001; a path is not supported',
        (value) => {
          const url = parseHttpUrl(value);
          return url?.pathname === '/' ? url.origin : undefined;
        },
      ),
      'must be a URL or a list of URLs',
    )
    .min(1, 'must list at least one'),
);

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
  health: z.unknown().optional(),
  rules: z.array(rule, 'must be a list of rules').default([]),
  request: z
    .strictObject({
      setHeaders: headerMap(checked(templateFault)),
      removeHeaders: headerNames,
      credentials: credentials.optional(),
      assertion: flag.default(false),
      passAuthorization: flag.default(false),
    })
    .prefault({}),
  response: z
    .strictObject({ setHeaders: headerMap(headerValue), removeHeaders: headerNames })
    .prefault({}),
  limits: z
    .strictObject({
      body: size(1, 1024 ** 4).prefault('10MB'),
      rate: z.unknown().optional(),
      concurrent: z.unknown().optional(),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      connect: timeout.prefault('3s'),
      headers: timeout.prefault('30s'),
      idle: timeout.prefault('60s'),
    })
    .prefault({}),
  retries: z.int('must be a whole number').min(0, 'must be 0 or more').default(0),
  streams: z.unknown().optional(),
  cors: z.unknown().optional(),
  audit: z
    .strictObject({
      required: flag.default(true),
      retention: z.unknown().optional(),
      query: z.array(text, 'must be a list of parameter names').default([]),
    })
    .prefault({}),
});
