import { z } from 'zod';
import { isLoopbackHost } from './addresses.ts';
import { introspectionSchema } from './introspection-schema.ts';
import { checked, duration, flag, httpUrl, parsed, scope, text } from './leaves.ts';

const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What the app itself sends; a configuration that could replace these could break the sign-in's safety. */
const OWN_PARAMETERS = new Set(
  (
    'client_id client_secret redirect_uri response_type response_mode state nonce scope resource ' +
    'code_challenge code_challenge_method request request_uri dpop_jkt'
  ).split(' '),
);

const redirectUri = parsed(
  'http://127.0.0.1/path, http://localhost/path or http://[::1]/path, without a port (ports go into redirectPorts)',
  (value) => {
    if (!/^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])\/[^\s?#\\]*$/.test(value)) return undefined;
    const url = new URL(value);
    return url.port === '' && isLoopbackHost(url.hostname) ? value : undefined;
  },
);

const desktop = z.strictObject({
  clientId: text,
  scopes: z.array(scope, 'must be a list').default(['openid', 'offline_access']),
  authorizationParameters: z
    .record(
      checked((name) =>
        OWN_PARAMETERS.has(name) ? 'is a parameter that the app sets itself; remove it' : undefined,
      ),
      z.string('must be a string'),
    )
    .default({}),
  redirectUri: redirectUri.default('http://127.0.0.1/callback'),
  redirectPorts: z
    .array(z.int('must be a port').min(1, 'must be a port').max(65_535, 'must be a port'))
    .default([]),
});

const claims = z.strictObject({
  user: text.default('sub'),
  email: text.default('email'),
  roles: text.default('roles'),
  groups: text.default('groups'),
});

const metadata = z.strictObject({
  jwks_uri: httpUrl.optional(),
  introspection_endpoint: httpUrl.optional(),
  revocation_endpoint: httpUrl.optional(),
  authorization_endpoint: httpUrl.optional(),
  token_endpoint: httpUrl.optional(),
  device_authorization_endpoint: httpUrl.optional(),
  end_session_endpoint: httpUrl.optional(),
});

const DPOP_MODES = ['off', 'optional', 'required'] as const;
const dpop = z.union(
  [z.enum(DPOP_MODES), z.strictObject({ mode: z.enum(DPOP_MODES), nonce: flag.optional() })],
  'must be off, optional, required, or {mode: …, nonce: true}',
);

/** One entry of `issuers`. */
export const issuerSchema = z.strictObject({
  issuer: httpUrl,
  audience: z.array(text, 'must be a list').optional(),
  tokens: z.enum(['jwt', 'introspection']).default('jwt'),
  profile: z.enum(['strict', 'compat']).default('strict'),
  algorithms: z
    .array(
      z.enum(ALGORITHMS, `must be asymmetric: one of ${ALGORITHMS.join(', ')}`),
      'must be a list',
    )
    .min(1, 'must list at least one')
    .default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  clockTolerance: duration(0, 5 * MINUTE_MS).prefault('30s'),
  maxStale: duration(0, 30 * DAY_MS).prefault('24h'),
  dpop: dpop.default('optional'),
  claims: claims.prefault({}),
  introspection: introspectionSchema.optional(),
  metadata: metadata.default({}),
  desktop: desktop.optional(),
});
