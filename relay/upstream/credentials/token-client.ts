import type { ClientAuthenticator } from '../../auth/client-authentication.ts';
import type { FormAnswer, FormPost } from '../../auth/form-post.ts';
import type { TokenEndpoint } from '../../config/api-config.ts';

/** What a token endpoint's failure to issue a token says. */
export type TokenFailure =
  /** No answer, or none that makes sense. */
  | 'unusable'
  /** The relay itself, or how it asks, is refused: someone has to look. */
  | 'rejected'
  /** This one grant is refused; others may be good. */
  | 'refused';

/** A token that was not issued; the message names the endpoint and is fit for logs. */
export class TokenProblem extends Error {
  readonly kind: TokenFailure;

  constructor(kind: TokenFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TokenProblem';
    this.kind = kind;
  }
}

/** A token of an API, as issued. */
export interface IssuedToken {
  readonly token: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Asks one token endpoint, as one client. */
export interface TokenClient {
  /**
   * @param grant `grant_type` and what belongs to it; sent in the body, where no log of URLs sees it
   * @returns the token
   * @throws {TokenProblem} none was issued
   */
  ask(grant: Readonly<Record<string, string>>): Promise<IssuedToken>;
  /** Closes idle connections; what is under way goes on. */
  close(): void;
}

/** What the relay may log of token endpoints; no event carries a token or a secret. */
export interface TokenEvent {
  readonly event:
    | 'token_endpoint_problem'
    | 'token_endpoint_rejected'
    | 'token_endpoint_recovered'
    | 'token_exchange_refused';
  readonly endpoint: string;
  readonly problem?: string;
}

/** What a client works with. */
export interface TokenClientDeps {
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: (event: TokenEvent) => void;
  /** Shows the endpoint who the relay is. */
  readonly authenticate: (endpoint: TokenEndpoint) => ClientAuthenticator;
  readonly createFormPost: (options: {
    readonly timeoutMs: number;
    readonly tls?: ClientAuthenticator['tls'];
  }) => FormPost;
}

/** An endpoint that fails is left alone, so that requests fail at once and it can recover. */
const FAILURES = 5;
const REST_MS = 5_000;
/** RFC 6749 §5.1 only recommends `expires_in`. */
const DEFAULT_LIFETIME_S = 300;
const MAX_LIFETIME_S = 86_400;
const MAX_TOKEN_LENGTH = 16 * 1024;
/** RFC 6750 §2.1 `b64token`: what an Authorization field takes. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const ABOUT_THE_GRANT = new Set(['invalid_grant', 'invalid_request', 'access_denied']);
/** Only these are repeated: whatever else an endpoint writes could be a piece of what it was sent. */
const ABOUT_THE_RELAY = new Set([
  'invalid_client',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'unsupported_grant_type',
]);

function parse({ body, mediaType }: FormAnswer): Readonly<Record<string, unknown>> | undefined {
  if (mediaType !== 'application/json') return undefined;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(answer: FormAnswer, endpoint: TokenEndpoint): TokenProblem {
  const { status } = answer;
  const error = parse(answer)?.['error'];
  if (typeof error === 'string' && status < 500) {
    if (ABOUT_THE_GRANT.has(error) && status !== 401)
      return new TokenProblem('refused', `${endpoint.url} answered ${error}`);
    if (ABOUT_THE_RELAY.has(error))
      return new TokenProblem(
        'rejected',
        `${endpoint.url} answered ${error} to the relay itself: check its clientId, its secret, key or certificate, and what the endpoint allows it`,
      );
  }
  const kind = status === 401 || status === 403 ? 'rejected' : 'unusable';
  return new TokenProblem(kind, `${endpoint.url} answered ${status}`);
}

function readToken(answer: FormAnswer, endpoint: TokenEndpoint, nowMs: number): IssuedToken {
  const unusable = (what: string): TokenProblem =>
    new TokenProblem('unusable', `${endpoint.url} ${what}`);
  if (answer.status !== 200) throw problemOf(answer, endpoint);
  const value = parse(answer);
  if (value === undefined) throw unusable('did not answer with a JSON object');
  const { access_token: token, token_type: type, expires_in: lifetime } = value;
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH || !TOKEN.test(token))
    throw unusable('issued no usable access_token');
  // Of a token that is bound to a key, the relay has none.
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw unusable('issued a token whose token_type is not Bearer');
  // Some send it as a string, against the RFC.
  const seconds = lifetime === undefined ? DEFAULT_LIFETIME_S : Number(lifetime);
  if (!Number.isFinite(seconds) || seconds <= 0) throw unusable('issued a token without a life');
  const lifeMs = Math.min(seconds, MAX_LIFETIME_S) * 1000;
  return { token, issuedAtMs: nowMs, expiresAtMs: nowMs + lifeMs };
}

/**
 * Makes the client of a token endpoint. Redirects are never followed, answers are bounded, and an
 * endpoint that fails again and again is left alone for a while.
 *
 * @param endpoint as configured
 * @param deps clock, log, and how requests are authenticated and sent
 * @returns the client; nothing is sent before the first question
 * @throws {Error} the relay's own key is unusable
 * @see RFC 6749 §5
 */
export function createTokenClient(endpoint: TokenEndpoint, deps: TokenClientDeps): TokenClient {
  const { now, log } = deps;
  const authenticator = deps.authenticate(endpoint);
  const { tls } = authenticator;
  const http = deps.createFormPost({
    timeoutMs: endpoint.timeoutMs,
    ...(tls === undefined ? {} : { tls }),
  });
  const url = new URL(endpoint.url);
  let failures = 0;
  let restUntilMs = 0;
  let problem: string | undefined;

  if (tls !== undefined && url.protocol !== 'https:')
    throw new Error(`${endpoint.url} is not https, where no certificate can be shown`);

  function well(): void {
    if (problem !== undefined) log({ event: 'token_endpoint_recovered', endpoint: endpoint.url });
    problem = undefined;
    failures = 0;
  }

  function ill({ kind, message }: TokenProblem): void {
    failures += 1;
    restUntilMs = now() + REST_MS;
    // Said once, not with each request, however many there are.
    if (problem === message) return;
    problem = message;
    const event = kind === 'rejected' ? 'token_endpoint_rejected' : 'token_endpoint_problem';
    log({ event, endpoint: endpoint.url, problem });
  }

  async function exchange(grant: Readonly<Record<string, string>>): Promise<IssuedToken> {
    const proof = await authenticator.prove();
    const askedAtMs = now();
    let answer: FormAnswer;
    try {
      answer = await http.post(url, { ...grant, ...proof.form }, proof.headers);
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : undefined;
      const told = why ?? (error instanceof Error ? error.message : 'failed');
      throw new TokenProblem('unusable', `${endpoint.url} gave no answer: ${told}`);
    }
    return readToken(answer, endpoint, askedAtMs);
  }

  return {
    async ask(grant) {
      if (failures >= FAILURES) {
        if (now() < restUntilMs)
          throw new TokenProblem('unusable', `${endpoint.url} is left alone after failures`);
        // This one tries; the others go on waiting until it is known how that went.
        restUntilMs = now() + REST_MS;
      }
      try {
        const issued = await exchange(grant);
        well();
        return issued;
      } catch (error) {
        const known =
          error instanceof TokenProblem
            ? error
            : new TokenProblem('unusable', `${endpoint.url} cannot be asked`, { cause: error });
        if (known.kind === 'refused') well();
        else ill(known);
        throw known;
      }
    },
    close: http.close,
  };
}
