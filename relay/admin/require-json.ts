import type { NextFunction, Request, Response } from 'express';
import { sendProblem } from './problem.ts';

/**
 * Lets calls that change something pass only with `Content-Type: application/json`: a form of a web page
 * cannot send this type without asking first.
 *
 * @param request the call
 * @param response 415 with any other type
 * @param next serves the call
 * @see https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 */
export function requireJson(request: Request, response: Response, next: NextFunction): void {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') next();
  else sendProblem(response, 415, 'bad_request', 'Send Content-Type: application/json.');
}
