import { createHash, randomUUID } from 'node:crypto';
import { RelayError } from '../errors.ts';
import type { IntrospectionConfig, IssuerConfig } from '../config/config.ts';
import { type BreakerTiming, createBreaker } from './breaker.ts';
import { createClientAuthenticator } from './client-authentication.ts';
import { principalFromAnswer, readAnswer } from './introspection-answer.ts';
import type { IntrospectionAnswer } from './introspection-answer.ts';
import { createExpiringCache } from './introspection-cache.ts';
import { IntrospectionProblem, createIntrospectionClient } from './introspection-request.ts';
import type { IssuerState } from './jwks.ts';
import type { Principal } from './principal.ts';

/** A recognised token. */
export interface Introspected {
  readonly principal: Principal;
  /** Whether an earlier answer said so. */
  readonly cached: boolean;
}

/** Asks one issuer about tokens that only it can read. */
export interface Introspector {
  /** Finds the endpoint and tries to reach it, so that /readyz knows; returns at once. */
  readonly start: () => void;
  /**
   * @param token as shown; sent to the issuer and nowhere else
   * @param hash hex SHA-256 of the token, under which its answer is kept
   * @returns who is calling, and whether an earlier answer said so
   * @throws {token_inactive} the issuer says that it is not active
   * @throws {token_claims} {token_audience} {token_issuer} {token_type} active, but not for us
   * @throws {token_expired} {token_not_yet_valid} active, but its own dates say otherwise
   * @throws {issuer_unavailable} the issuer gave no usable answer
   */
  readonly introspect: (token: string, hash: string) => Promise<Introspected>;
  readonly state: () => IssuerState;
  readonly close: () => void;
}

/** What the relay may log of introspection; no event carries a token or a secret. */
export type IntrospectionEvent =
  | { readonly event: 'issuer_problem'; readonly issuer: string; readonly problem: string }
  /** The issuer refuses the relay itself: an alert, since no token can be accepted. */
  | { readonly event: 'introspection_rejected'; readonly issuer: string; readonly problem: string }
  | { readonly event: 'issuer_recovered'; readonly issuer: string };

/** Limits of introspection; the defaults suit production, tests change them. */
export interface IntrospectionLimits {
  /** Questions under way at once; a token beyond that is refused with 503. */
  readonly concurrent: number;
  /** Answers kept, active and not active apart, so that a flood of bad tokens evicts no good one. */
  readonly kept: number;
  readonly rediscoverMs: number;
}

/** What an introspector needs from outside. */
export interface IntrospectorDeps {
  readonly now: () => number;
  /** For discovery. */
  readonly fetch: typeof globalThis.fetch;
  readonly log?: (event: IntrospectionEvent) => void;
  /** 0 to 1, for jitter. */
  readonly random?: () => number;
  readonly breaker?: Partial<BreakerTiming>;
  readonly limits?: Partial<IntrospectionLimits>;
}

const unreached = 'the issuer has not been reached yet';
const defaults: IntrospectionLimits = { concurrent: 64, kept: 5_000, rediscoverMs: 3_600_000 };

function unavailable(cause?: unknown): RelayError {
  return new RelayError(
    'issuer_unavailable',
    'The identity provider cannot be asked about your token at the moment. Your token may be fine: try again shortly.',
    { cause },
  );
}

function inactive(): RelayError {
  return new RelayError(
    'token_inactive',
    'The identity provider says that the access token is not active. Get a new one.',
  );
}

/** True where the issuer answered but could not read the token: others must not suffer for it. */
function isAnswered(error: unknown): boolean {
  return error instanceof IntrospectionProblem && error.kind === 'refused';
}

function tokenIdOf(claims: Readonly<Record<string, unknown>>, hash: string): string {
  const { jti } = claims;
  return typeof jti === 'string' ? createHash('sha256').update(jti).digest('hex') : hash;
}

/**
 * Makes the introspector of one issuer. What it keeps belongs to one endpoint and one client, so
 * the token's hash is key enough; whoever shows a kept token is judged anew by policy.
 *
 * @param issuer the trusted issuer, with `introspection`
 * @param deps clock, fetch, log and, for tests, randomness and limits
 * @returns the introspector; nothing is sent before `start` or the first token
 * @throws {Error} the relay's own key is unusable
 * @see RFC 7662
 */
export function createIntrospector(issuer: IssuerConfig, deps: IntrospectorDeps): Introspector {
  const { introspection } = issuer;
  if (introspection === undefined) throw new Error(`${issuer.issuer} has no introspection`);
  const config: IntrospectionConfig = introspection;
  const limits = { ...defaults, ...deps.limits };
  const { now, fetch } = deps;
  const client = createIntrospectionClient(issuer, config, {
    now,
    fetch,
    authenticator: createClientAuthenticator(issuer.issuer, config, now),
    rediscoverMs: limits.rediscoverMs,
  });
  const breaker = createBreaker({
    probe,
    random: deps.random ?? Math.random,
    ...(deps.breaker === undefined ? {} : { timing: deps.breaker }),
  });
  const active = createExpiringCache<Introspected>(limits.kept);
  const refused = createExpiringCache<RelayError>(limits.kept);
  const underWay = new Map<string, Promise<Introspected>>();
  let reached = false;
  let closed = false;
  let problem: string | undefined = unreached;

  function well(): void {
    const recovered = problem !== undefined && problem !== unreached;
    reached = true;
    problem = undefined;
    breaker.succeeded();
    if (recovered) deps.log?.({ event: 'issuer_recovered', issuer: issuer.issuer });
  }

  function ill(error: unknown): void {
    const before = problem;
    problem = error instanceof Error ? error.message : 'the introspection failed';
    // Said once, not with each request, however many there are.
    if (problem === before) return;
    const rejected = error instanceof IntrospectionProblem && error.kind === 'rejected';
    const event = rejected ? 'introspection_rejected' : 'issuer_problem';
    deps.log?.({ event, issuer: issuer.issuer, problem });
  }

  async function question(token: string): Promise<IntrospectionAnswer> {
    try {
      const answer = readAnswer(await client.ask(token));
      well();
      return answer;
    } catch (error) {
      if (!isAnswered(error)) {
        ill(error);
        breaker.failed();
      }
      throw error;
    }
  }

  /** Asks about a token that nobody has: it shows the endpoint and the relay's own standing there. */
  async function probe(): Promise<boolean> {
    try {
      await question(`latchkey-probe-${randomUUID()}`);
      return true;
    } catch (error) {
      if (!isAnswered(error)) return false;
      well();
      return true;
    }
  }

  async function ask(token: string, hash: string): Promise<Introspected> {
    const askedAtMs = now();
    const answer = await question(token).catch((error: unknown) => {
      throw unavailable(error);
    });
    try {
      if (answer.kind === 'inactive') throw inactive();
      const tokenId = tokenIdOf(answer.claims, hash);
      const principal = principalFromAnswer(answer.claims, issuer, tokenId, askedAtMs);
      const untilMs = Math.min(askedAtMs + config.cacheMs, principal.expiresAtMs);
      active.set(hash, { principal, cached: true }, askedAtMs, untilMs);
      return { principal, cached: false };
    } catch (error) {
      if (error instanceof RelayError)
        refused.set(hash, error, askedAtMs, askedAtMs + config.negativeCacheMs);
      throw error;
    }
  }

  async function start(): Promise<void> {
    try {
      await client.reach();
      reached = true;
      if (problem === unreached) problem = undefined;
    } catch (error) {
      if (reached || closed) return;
      ill(error);
      breaker.trip();
    }
  }

  return {
    start: () => void start(),
    async introspect(token, hash) {
      const nowMs = now();
      const known = active.get(hash, nowMs);
      if (known !== undefined) return known;
      const refusal = refused.get(hash, nowMs);
      if (refusal !== undefined) throw refusal;
      const shared = underWay.get(hash);
      if (shared !== undefined) return await shared;
      if (!breaker.allows() || underWay.size >= limits.concurrent) throw unavailable();
      const asked = ask(token, hash).finally(() => {
        underWay.delete(hash);
        if (closed) client.close();
      });
      underWay.set(hash, asked);
      return await asked;
    },
    state: () => ({
      issuer: issuer.issuer,
      ready: reached && breaker.allows(),
      keys: 0,
      ...(problem === undefined ? {} : { problem }),
    }),
    close() {
      closed = true;
      breaker.close();
      client.close();
    },
  };
}
