import type { IncomingMessage, ServerResponse } from 'node:http';
import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';

const MAX_AGE_SECONDS = 600;

/**
 * Tells a CORS preflight from an OPTIONS request.
 *
 * @param request the request as received
 * @returns true for one that asks whether another may follow
 * @see Fetch §3.3.3
 */
export function isPreflight(request: Pick<IncomingMessage, 'method' | 'rawHeaders'>): boolean {
  return (
    request.method === 'OPTIONS' &&
    fieldValues(request.rawHeaders, 'origin').length === 1 &&
    fieldValues(request.rawHeaders, 'access-control-request-method').length === 1
  );
}

/**
 * Answers a preflight of a listed origin; the API is not asked, as it does not know the local port.
 *
 * @param request a preflight that the guard let pass
 * @param response its answer
 * @param requestId the request's ULID
 */
export function answerPreflight(
  request: Pick<IncomingMessage, 'rawHeaders'>,
  response: ServerResponse,
  requestId: string,
): void {
  const one = (name: string): string | undefined => fieldValues(request.rawHeaders, name)[0];
  const headers = one('access-control-request-headers');
  response.writeHead(204, {
    'Access-Control-Allow-Origin': one('origin') ?? '',
    'Access-Control-Allow-Methods': one('access-control-request-method') ?? '',
    ...(headers === undefined ? {} : { 'Access-Control-Allow-Headers': headers }),
    'Access-Control-Max-Age': MAX_AGE_SECONDS,
    Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'X-Request-Id': requestId,
  });
  response.end();
}

/** What scripts may read beside the few fields that they always may. */
const EXPOSED = 'X-Request-Id, X-Latchkey-Code, Retry-After, WWW-Authenticate';

/**
 * Lets a listed origin read an answer of our own.
 *
 * @param origin the listed origin that asks, once the guard has let it in
 * @returns fields to send
 * @see Fetch §3.3.3
 */
export function readableFields(origin: string): Readonly<Record<string, string>> {
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': EXPOSED,
    Vary: 'Origin',
  };
}

/**
 * Lets a listed origin read an answer, unless the API has its own word on that.
 *
 * @param fields of the answer
 * @param origin the listed origin that asks
 * @returns fields to add
 */
export function readableBy(fields: HeaderList, origin: string): HeaderList {
  if (fieldValues(fields, 'access-control-allow-origin').length > 0) return [];
  return Object.entries(readableFields(origin)).flat();
}
