import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Target } from '../wire/target.ts';
import { isPreflight } from './cors.ts';
import type { Runtime } from './runtime.ts';
import type { Unidentified } from './unidentified.ts';
import type { Visit } from './visit.ts';

/** What the pipeline does for web pages of other origins, on APIs with `cors`. */
export interface Pages {
  /**
   * Answers what a browser asks before a page's request. It shows no token, and goes no further.
   *
   * @returns whether it was such a question
   * @throws {RelayError} `denied` when the page's origin is not listed
   */
  servePreflight(
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
    target: Target,
  ): boolean;
  /** Gives a refusal the fields without which a page could not read why. */
  letRead(request: IncomingMessage, response: ServerResponse, visit: Visit): void;
}

/**
 * Prepares the answers to web pages.
 *
 * @param runtime finds the API that a path belongs to
 * @param unidentified records preflights, since they say nothing of who is calling
 * @returns the answers
 * @see Fetch standard §3.2, CORS protocol
 */
export function createPages(
  runtime: Pick<Runtime, 'apis' | 'routes'>,
  unidentified: Pick<Unidentified, 'allowed'>,
): Pages {
  if (runtime.apis.every((api) => api.cors === undefined))
    return { servePreflight: () => false, letRead: () => {} };
  return {
    servePreflight({ rawHeaders }, response, visit, target) {
      if (target.method !== 'OPTIONS' || !isPreflight(rawHeaders)) return false;
      const api = runtime.routes.find(target.path)?.api;
      if (api?.cors === undefined) return false;
      const fields = api.cors.preflight(rawHeaders);
      response.writeHead(204, [...fields, 'X-Request-Id', visit.requestId]);
      response.end();
      visit.api = api.config.name;
      unidentified.allowed(visit, api, response.statusCode);
      return true;
    },
    letRead({ rawHeaders }, response, visit) {
      if (visit.target === undefined || response.headersSent) return;
      const fields = runtime.routes.find(visit.target.path)?.api.cors?.fields(rawHeaders) ?? [];
      for (let at = 0; at < fields.length; at += 2)
        response.setHeader(fields[at] as string, fields[at + 1] as string);
    },
  };
}
