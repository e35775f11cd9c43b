import { STATUS_CODES } from 'node:http';
import type { Response } from 'express';

/**
 * Answers on the management listener with a refusal, in the form of those on the public one.
 *
 * @param response nothing written; its `X-Request-Id` is told in the body
 * @param status HTTP status
 * @param code stable, for programs
 * @param detail what to do, for people
 * @param members further ones
 * @see RFC 9457 §3
 */
export function sendProblem(
  response: Response,
  status: number,
  code: string,
  detail: string,
  members: Readonly<Record<string, unknown>> = {},
): void {
  response
    .status(status)
    .type('application/problem+json')
    .json({
      type: `urn:latchkey:problem:${code}`,
      title: STATUS_CODES[status],
      status,
      detail,
      code,
      requestId: response.getHeader('X-Request-Id'),
      ...members,
    });
}

/**
 * Answers for a method that a resource does not have.
 *
 * @param response nothing written
 * @param allowed the methods that it has
 * @see RFC 9110 §15.5.6
 */
export function refuseMethod(response: Response, allowed: readonly string[]): void {
  response.set('Allow', allowed.join(', '));
  sendProblem(
    response,
    405,
    'method',
    `Use ${allowed.filter((it) => it !== 'HEAD').join(' or ')}.`,
  );
}
