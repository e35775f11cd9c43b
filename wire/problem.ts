import { cutAnswer } from './last-words.ts';
import type { ServerResponse } from 'node:http';

/**
 * The base of every refusal that may be shown to a client: a stable code, an HTTP status and a text
 * that says what to do. Nothing secret may be in `message`: it becomes the `detail` on the wire.
 */
export class ProblemError extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    fields: {
      readonly code: string;
      readonly status: number;
      readonly title: string;
      readonly detail: string;
      /** Sent as Retry-After. */
      readonly retryAfterSeconds?: number | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(fields.detail, options);
    this.name = new.target.name;
    this.code = fields.code;
    this.status = fields.status;
    this.title = fields.title;
    this.headers =
      fields.retryAfterSeconds === undefined
        ? {}
        : { 'Retry-After': String(fields.retryAfterSeconds) };
  }
}

/**
 * Renders a refusal as an `application/problem+json` body.
 *
 * @param error the refusal; only its public members are used
 * @param requestId the request's ULID, so that the reader can find it in both audits
 * @returns the JSON text
 * @see RFC 9457 §3
 */
export function problemBody(error: ProblemError, requestId: string): string {
  return JSON.stringify({
    type: `urn:latchkey:problem:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    requestId,
  });
}

/**
 * Answers a request with a refusal, or cuts the connection when an answer has already begun.
 *
 * @param response the answer to write
 * @param error the refusal
 * @param requestId the request's ULID
 * @param options `close: true` ends the connection after the answer (framing can't be trusted)
 * @returns the number of body bytes sent; 0 when the connection was cut
 */
export function sendProblem(
  response: ServerResponse,
  error: ProblemError,
  requestId: string,
  options: { readonly close?: boolean } = {},
): number {
  if (response.headersSent) {
    cutAnswer(response);
    return 0;
  }
  // A body that was begun and is not wanted would hold up the connection.
  response.req.resume();
  const body = problemBody(error, requestId);
  response.writeHead(error.status, {
    ...error.headers,
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': requestId,
    ...(options.close ? { Connection: 'close' } : {}),
  });
  response.end(body);
  return Buffer.byteLength(body);
}
