import type { ServerResponse } from 'node:http';
import { ALLOW } from '../wire/methods.ts';
import { ProblemError, sendProblem } from '../wire/problem.ts';
import { RelayError } from './errors.ts';

/** What challenges tell a client of this relay. */
export interface ChallengeFacts {
  /** The protected resource's identifier. */
  readonly resource: string;
  /** Present when some issuer's tokens may be bound by DPoP. */
  readonly dpop?: {
    /** Separated by spaces (RFC 9449 §7.1). */
    readonly algs: string;
    readonly nonce: string;
    /** Whether this caller used the scheme. */
    readonly used: boolean;
  };
}

const quote = (value: string): string => `"${value.replace(/[\\"]/g, '\\$&')}"`;

function challenge(
  scheme: 'Bearer' | 'DPoP',
  error: string | null,
  parameters: Readonly<Record<string, string>>,
  facts: ChallengeFacts,
): string {
  const parts = ['realm="latchkey"'];
  if (error !== null) parts.push(`error=${quote(error)}`);
  for (const [name, value] of Object.entries(parameters)) parts.push(`${name}=${quote(value)}`);
  if (scheme === 'DPoP') parts.push(`algs=${quote(facts.dpop?.algs ?? '')}`);
  const metadata = `${facts.resource}/.well-known/oauth-protected-resource`;
  parts.push(`resource_metadata=${quote(metadata)}`);
  return `${scheme} ${parts.join(', ')}`;
}

/** One challenge a scheme that could succeed; each in a field of its own. */
function challenges(problem: RelayError, facts: ChallengeFacts): string[] {
  if (problem.challenge === undefined) return [];
  const { error, parameters } = problem.challenge;
  const bearer = challenge('Bearer', error, parameters, facts);
  if (facts.dpop === undefined) return [bearer];
  const dpop = challenge('DPoP', error, parameters, facts);
  switch (problem.code) {
    case 'token_missing':
    case 'bad_credentials':
      return [bearer, dpop];
    case 'dpop_proof':
    case 'dpop_nonce':
      return [dpop];
    case 'token_binding':
      return facts.dpop.used ? [dpop] : [bearer, challenge('DPoP', null, {}, facts)];
    default:
      return [facts.dpop.used ? dpop : bearer];
  }
}

/** RFC 9449 §8.2: whoever may have to prove possession learns the nonce with each refusal. */
function offersNonce(problem: ProblemError, facts: ChallengeFacts): boolean {
  return facts.dpop !== undefined && (facts.dpop.used || problem.status === 401);
}

/**
 * Turns whatever was thrown into a refusal that may be shown.
 *
 * @param error anything
 * @returns itself when it is a refusal; `internal` otherwise, which tells nothing
 */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if ((error as { code?: unknown } | null)?.code === 'audit_unavailable') {
    return new RelayError('audit_unavailable', 'Access is not recorded now, so none is given.', {
      cause: error,
    });
  }
  return new RelayError('internal', 'The relay failed; its log tells more by the request id.', {
    cause: error,
  });
}

/**
 * Answers with a refusal, its challenge included.
 *
 * @param response the answer
 * @param problem the refusal
 * @param requestId the request's id
 * @param facts for the challenge
 * @param close whether the connection must end with this answer
 * @returns body bytes sent
 * @see RFC 6750 §3, RFC 9728 §5.1
 */
export function refuse(
  response: ServerResponse,
  problem: ProblemError,
  requestId: string,
  facts: ChallengeFacts,
  close: boolean,
): number {
  if (!response.headersSent) {
    const values = problem instanceof RelayError ? challenges(problem, facts) : [];
    if (values.length > 0) response.setHeader('WWW-Authenticate', values);
    if (facts.dpop && offersNonce(problem, facts))
      response.setHeader('DPoP-Nonce', facts.dpop.nonce);
    // RFC 9110 §15.5.6.
    if (problem.code === 'method' && !response.hasHeader('Allow'))
      response.setHeader('Allow', ALLOW);
    // The app records why, without reading the body that it passes on.
    response.setHeader('X-Latchkey-Code', problem.code);
  }
  return sendProblem(response, problem, requestId, { close });
}

/**
 * Answers with a JSON document.
 *
 * @param response the answer
 * @param requestId the request's id
 * @param value what to send
 * @param cacheSeconds how long it may be kept; 0 forbids it
 * @param nonce the DPoP nonce to offer
 * @returns body bytes sent
 */
export function sendJson(
  response: ServerResponse,
  requestId: string,
  value: unknown,
  cacheSeconds: number,
  nonce?: string,
): number {
  const body = JSON.stringify(value);
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': cacheSeconds === 0 ? 'no-store' : `public, max-age=${cacheSeconds}`,
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': requestId,
    ...(nonce === undefined ? {} : { 'DPoP-Nonce': nonce }),
  });
  response.end(body);
  return Buffer.byteLength(body);
}
