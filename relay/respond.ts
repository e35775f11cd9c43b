import type { ServerResponse } from 'node:http';
import { ProblemError, sendProblem } from '../wire/problem.ts';
import { RelayError } from './errors.ts';

/** What challenges tell a client of this relay. */
export interface ChallengeFacts {
  /** The protected resource's identifier. */
  readonly resource: string;
}

const quote = (value: string): string => `"${value.replace(/[\\"]/g, '\\$&')}"`;

function challenge(error: RelayError, facts: ChallengeFacts): string | undefined {
  if (error.challenge === undefined) return undefined;
  const parts = ['realm="latchkey"'];
  if (error.challenge.error !== null) parts.push(`error=${quote(error.challenge.error)}`);
  for (const [name, value] of Object.entries(error.challenge.parameters)) {
    parts.push(`${name}=${quote(value)}`);
  }
  const metadata = `${facts.resource}/.well-known/oauth-protected-resource`;
  parts.push(`resource_metadata=${quote(metadata)}`);
  return `Bearer ${parts.join(', ')}`;
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
  const value = problem instanceof RelayError ? challenge(problem, facts) : undefined;
  if (value !== undefined && !response.headersSent) response.setHeader('WWW-Authenticate', value);
  // The app records why, without reading the body that it passes on.
  if (!response.headersSent) response.setHeader('X-Latchkey-Code', problem.code);
  return sendProblem(response, problem, requestId, { close });
}

/**
 * Answers with a JSON document.
 *
 * @param response the answer
 * @param requestId the request's id
 * @param value what to send
 * @param cacheSeconds how long it may be kept; 0 forbids it
 * @returns body bytes sent
 */
export function sendJson(
  response: ServerResponse,
  requestId: string,
  value: unknown,
  cacheSeconds: number,
): number {
  const body = JSON.stringify(value);
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': cacheSeconds === 0 ? 'no-store' : `public, max-age=${cacheSeconds}`,
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': requestId,
  });
  response.end(body);
  return Buffer.byteLength(body);
}
