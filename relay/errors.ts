import { ProblemError } from '../wire/problem.ts';

/** `error` words of RFC 6750 §3.1, RFC 9449 §7.1 and RFC 9470 §3. */
type ChallengeError =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce';

interface Kind {
  readonly status: number;
  readonly title: string;
  /** The `error` of the WWW-Authenticate challenge; `null` is a challenge without one. */
  readonly challenge?: ChallengeError | null;
  readonly retryAfterSeconds?: number;
}

const unauthorized = (title: string): Kind => ({ status: 401, title, challenge: 'invalid_token' });
const forbidden = (title: string): Kind => ({ status: 403, title });
const unavailable = (title: string): Kind => ({ status: 503, title, retryAfterSeconds: 5 });

const kinds = {
  token_missing: { status: 401, title: 'No access token', challenge: null },
  bad_credentials: { status: 400, title: 'Bad credentials', challenge: 'invalid_request' },
  token_expired: unauthorized('The access token has expired'),
  token_not_yet_valid: unauthorized('The access token is not valid yet'),
  token_signature: unauthorized('The access token is not genuine'),
  token_algorithm: unauthorized('The access token uses a refused algorithm'),
  token_type: unauthorized('This is not an access token'),
  token_issuer: unauthorized('The access token is from an unknown issuer'),
  token_audience: unauthorized('The access token is for somebody else'),
  token_claims: unauthorized('The access token has unacceptable claims'),
  token_revoked: unauthorized('The access token has been revoked'),
  token_inactive: unauthorized('The access token is not active'),
  token_binding: unauthorized('The access token is bound to a key that was not shown'),
  dpop_proof: { status: 401, title: 'Bad DPoP proof', challenge: 'invalid_dpop_proof' },
  dpop_nonce: { status: 401, title: 'A DPoP nonce is wanted', challenge: 'use_dpop_nonce' },
  scope: { status: 403, title: 'A scope is missing', challenge: 'insufficient_scope' },
  step_up: {
    status: 401,
    title: 'A stronger or fresher sign-in is needed',
    challenge: 'insufficient_user_authentication',
  },
  role: forbidden('A role is missing'),
  group: forbidden('A group is missing'),
  claim: forbidden('A claim is missing'),
  client: forbidden('This client may not do that'),
  condition: forbidden('A condition does not hold'),
  network: forbidden('Not from this network'),
  denied: forbidden('Denied by a rule'),
  no_rule: forbidden('No rule allows this'),
  unknown_api: { status: 404, title: 'No such API' },
  ambiguous_target: { status: 400, title: 'Ambiguous request target' },
  bad_request: { status: 400, title: 'Bad request' },
  wrong_host: { status: 421, title: 'Wrong host' },
  method: { status: 405, title: 'Method not allowed' },
  too_large: { status: 413, title: 'Body too large' },
  url_too_long: { status: 414, title: 'URL too long' },
  headers_too_large: { status: 431, title: 'Headers too large' },
  too_slow: { status: 408, title: 'Too slow' },
  rate_limited: { status: 429, title: 'Too many requests', retryAfterSeconds: 1 },
  issuer_unavailable: unavailable('The issuer cannot be reached'),
  audit_unavailable: unavailable('The audit cannot be written'),
  no_upstream: unavailable('No healthy upstream'),
  state_unavailable: unavailable('What relays share cannot be reached'),
  draining: unavailable('The relay is shutting down'),
  upstream_unreachable: { status: 502, title: 'The API cannot be reached' },
  upstream_protocol: { status: 502, title: 'The API gave a bad answer' },
  upstream_timeout: { status: 504, title: 'The API did not answer in time' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, Kind>;

/** Every code that the relay may answer with (CONTRACTS section 4), plus `internal` for our own bugs. */
export type RelayErrorCode = keyof typeof kinds;

/** Members of a challenge beside `error`: RFC 6750 `scope`, RFC 9470 `acr_values` and `max_age`. */
export type ChallengeParameters = Readonly<
  Partial<Record<'scope' | 'acr_values' | 'max_age' | 'algs', string>>
>;

/** A refusal by the relay; thrown deep, answered at the one edge in relay.ts. */
export class RelayError extends ProblemError {
  declare readonly code: RelayErrorCode;
  /** Present when the answer carries WWW-Authenticate; `error: null` is a bare challenge. */
  readonly challenge:
    { readonly error: ChallengeError | null; readonly parameters: ChallengeParameters } | undefined;

  /**
   * @param code one of the closed list
   * @param detail what to do about it; public, so never a secret
   * @param options `cause` is kept for the log; `parameters` go into the challenge;
   *   `retryAfterSeconds` in place of what is usual for the code
   */
  constructor(
    code: RelayErrorCode,
    detail: string,
    options: ErrorOptions & {
      readonly parameters?: ChallengeParameters;
      readonly retryAfterSeconds?: number;
    } = {},
  ) {
    const kind: Kind = kinds[code];
    const { status, title, retryAfterSeconds } = kind;
    const { retryAfterSeconds: given = retryAfterSeconds } = options;
    super({ code, status, title, detail, retryAfterSeconds: given }, options);
    this.challenge =
      kind.challenge === undefined
        ? undefined
        : { error: kind.challenge, parameters: options.parameters ?? {} };
  }
}
