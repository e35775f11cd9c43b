import type { IncomingMessage } from 'node:http';
import { fieldValues } from '../../../../wire/headers.ts';
import { AgentError } from '../errors.ts';

/** What the guard compares with. */
export interface GuardConfig {
  /** The port that is bound: part of every acceptable Host. */
  readonly port: number;
  /** Origins that policy or the person listed, exactly as browsers send them. */
  readonly allowedOrigins: readonly string[];
}

const API_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function localName(authority: string, port: number): string | undefined {
  const suffix = `:${port}`;
  // Browsers and tools leave out the port that their scheme implies.
  if (port === 80 && !/:[0-9]+$/.test(authority)) return authority;
  return authority.endsWith(suffix) ? authority.slice(0, -suffix.length) : undefined;
}

/** How a Host addresses us: by a loopback name, or by an API's own name. */
export type LocalHost =
  { readonly kind: 'loopback' } | { readonly kind: 'api'; readonly name: string };

/**
 * Reads the authority of a request. A rebound DNS name carries its own name here, and often no
 * Origin and no Sec-Fetch field: this check carries that case alone, so it comes first.
 *
 * @param authority lower case, from the canonical target
 * @param port the port that is bound
 * @returns how we are addressed
 * @throws {AgentError} `foreign_host`
 * @see CVE-2022-41925, CVE-2018-14505
 */
export function readLocalHost(authority: string, port: number): LocalHost {
  const name = localName(authority, port);
  if (name === 'localhost' || name === '127.0.0.1' || name === '[::1]') return { kind: 'loopback' };
  if (name?.endsWith('.localhost')) {
    const label = name.slice(0, -'.localhost'.length);
    if (API_LABEL.test(label)) return { kind: 'api', name: label };
  }
  throw new AgentError(
    'foreign_host',
    `This port answers only to localhost:${port}, 127.0.0.1:${port}, [::1]:${port} and <api>.localhost:${port}. Use one of them.`,
  );
}

function foreign(detail: string): AgentError {
  return new AgentError('foreign_origin', detail);
}

function checkOrigin(origin: string, own: string, config: GuardConfig): void {
  if (origin === own || config.allowedOrigins.includes(origin)) return;
  throw foreign(
    'A web page of another origin may not use this port. List its origin under guard.allowedOrigins if it should.',
  );
}

/**
 * Refuses requests that a web page of somebody else's made in this person's browser, whatever the
 * method: simple GETs and WebSockets are not covered by CORS.
 *
 * @param request the request as received
 * @param authority lower case, from the canonical target
 * @param config what to compare with
 * @param page whether this is one of our own pages, which may be navigated to
 * @throws {AgentError} `foreign_origin`
 * @see Fetch Metadata Request Headers §2
 */
export function checkOrigins(
  request: Pick<IncomingMessage, 'rawHeaders'>,
  authority: string,
  config: GuardConfig,
  page: boolean,
): void {
  const own = `http://${authority}`;
  const [origin, ...more] = fieldValues(request.rawHeaders, 'origin');
  if (more.length > 0) throw foreign('The request has two Origin fields.');
  if (origin !== undefined) checkOrigin(origin, own, config);
  const listed = origin !== undefined && config.allowedOrigins.includes(origin);

  const site = fieldValues(request.rawHeaders, 'sec-fetch-site');
  if (!listed && site.some((value) => value !== 'same-origin' && value !== 'none')) {
    throw foreign('A web page of another site may not use this port.');
  }
  const mode = fieldValues(request.rawHeaders, 'sec-fetch-mode');
  if (!page && mode.includes('navigate')) {
    throw foreign('This address is for tools. Open the port itself in a browser, or use curl.');
  }
  for (const referer of fieldValues(request.rawHeaders, 'referer')) {
    if (listed || referer === own || referer.startsWith(`${own}/`)) continue;
    throw foreign('A web page of another site may not use this port.');
  }
}
