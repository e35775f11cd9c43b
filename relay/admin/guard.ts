import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { isLoopbackHost } from '../config/addresses.ts';
import type { ListenAddress } from '../config/config.ts';
import { sendProblem } from './problem.ts';

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?$/i;
/** What stays reachable by the public name: liveness, and what asks people to sign in. */
const PUBLIC_PATHS = /^\/(?:$|healthz$|readyz$|audit(?:\/stream)?$|console(?:\/|$))/;

const LOCAL_ONLY = ['local_only', 'Ask for this on the machine that the relay runs on.'] as const;

function ownAuthority({ socket }: IncomingMessage): string {
  const address = socket.localAddress?.replace(/^::ffff:/, '') ?? '';
  return `${address.includes(':') ? `[${address}]` : address}:${socket.localPort}`;
}

const isSecure = (request: IncomingMessage): boolean =>
  (request.socket as Partial<TLSSocket>).encrypted === true;

/** Of another origin's page: it says so, or, where a page embeds, only its browser does. A link may lead here. */
function isForeign({ headers }: IncomingMessage, own: readonly (string | undefined)[]): boolean {
  const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
  if (origin !== undefined && !own.includes(origin)) return true;
  return (site === 'cross-site' || site === 'same-site') && mode !== 'navigate';
}

/**
 * Tells whether a request says that a proxy passed it on.
 *
 * @param request the request
 * @returns true with any of the fields by which proxies tell
 */
export function isPassedOn({ headers }: IncomingMessage): boolean {
  const names = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];
  return names.some((name) => headers[name] !== undefined);
}

/**
 * Keeps web pages away from the management listener, by DNS rebinding or otherwise, and whoever comes by
 * its public name away from all that needs no sign-in.
 *
 * @param publicUrl the origin under which people open the console, if there is one
 * @returns the first of the listener's handlers
 */
export function createGuard(publicUrl: () => string | undefined): RequestHandler {
  function refusal(request: Request): readonly [code: string, detail: string] | undefined {
    const { host = '' } = request.headers;
    const known = publicUrl();
    const isLocal = LOOPBACK.test(host) || host === ownAuthority(request);
    const isPublic = known !== undefined && host.toLowerCase() === new URL(known).host;
    if (!isLocal && !isPublic) return ['foreign_host', 'Host must be this listener.'];
    const own = `${isSecure(request) ? 'https' : 'http'}://${host}`;
    if (isForeign(request, isPublic ? [known] : [known, own]))
      return ['foreign_origin', 'Other origins get nothing here.'];
    const isByProxy = known !== undefined && isPassedOn(request);
    if ((isByProxy || !isLocal) && !PUBLIC_PATHS.test(request.path)) return LOCAL_ONLY;
    return undefined;
  }
  return (request: Request, response: Response, next: NextFunction) => {
    const refused = refusal(request);
    if (refused === undefined) next();
    else sendProblem(response, 403, ...refused);
  };
}

/**
 * Keeps what operators do, which knows nobody, to the machine that the relay runs on.
 *
 * @param listen where the listener is
 * @returns a handler that refuses other machines, and what a proxy passed on
 */
export function createLocalGuard(listen: () => ListenAddress): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    // A socket that has closed has no address: a reload that was asked for in passing is refused.
    const isFromHere =
      listen().kind === 'unix' ||
      isLoopbackHost(request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '');
    if (isFromHere && !isPassedOn(request)) next();
    else sendProblem(response, 403, ...LOCAL_ONLY);
  };
}
