import type { IncomingMessage } from 'node:http';
import { readFraming } from '../../../../wire/framing.ts';
import { fieldValues } from '../../../../wire/headers.ts';
import { canonicalTarget } from '../../../../wire/target.ts';
import { carryTrace } from '../../../../wire/trace.ts';
import { AgentError } from '../errors.ts';
import type { Call } from './call.ts';
import type { Entrance } from './entrance.ts';
import { checkNoBrowser, checkOrigins, readLocalHost } from './guard.ts';
import type { ProxyDeps } from './proxy-deps.ts';
import { toolName } from './transform.ts';

const LIMITS = { urlBytes: 16 * 1024 };
const PAGES = new Set(['/', '/.latchkey/status']);

/** Takes requests in at the door: no byte of one goes further before all of this has passed. */
export type Reception = (
  request: IncomingMessage,
  requestId: string,
  entrance: Entrance,
) => Promise<Call>;

/** A request that we have sent ourselves: the relay's address leads back to this port. */
function checkLoop(request: IncomingMessage): void {
  if (fieldValues(request.rawHeaders, 'x-latchkey-client').length === 0) return;
  throw new AgentError(
    'loop',
    'This request has come from Latchkey already. Check that the relay’s address is not this port.',
  );
}

/**
 * Makes the guard's sequence: Host, origins, the connection's owner, the tool's key.
 *
 * @param deps what is allowed, who is who
 * @returns the sequence; it throws `AgentError` `foreign_host`, `foreign_origin`, `other_user`, `tool_key`,
 *   `loop`, `method` and `WireError` for what is not one clear request
 */
export function createReception(
  deps: Pick<ProxyDeps, 'allowedOrigins' | 'peers' | 'profiles' | 'toolKeys'>,
): Reception {
  const hasProfiles = deps.profiles.length > 1;
  return async (request, requestId, entrance) => {
    const framing = readFraming(request);
    const target = canonicalTarget(request, LIMITS);
    const host = readLocalHost(request, target.authority, entrance, hasProfiles);
    const isPage = request.method === 'GET' && host.kind === 'loopback' && PAGES.has(target.path);
    checkOrigins(request, target.authority, deps, isPage);
    if (host.kind === 'site') checkNoBrowser(request, deps);
    const peer = await deps.peers.check(request.socket, entrance);
    checkLoop(request);
    const key = isPage ? undefined : deps.toolKeys.check(request, target.method);
    if (target.method === 'TRACE') throw new AgentError('method', 'TRACE is not relayed.');
    return {
      requestId,
      trace: carryTrace(request.rawHeaders),
      target,
      host,
      framing,
      raw: request.rawHeaders,
      tool: () => {
        const seen = peer.tool();
        return {
          name: seen?.name ?? toolName(request.rawHeaders),
          ...(seen?.pid === undefined ? {} : { pid: seen.pid }),
          ...(key === undefined ? {} : { key: key.name }),
        };
      },
      ...(key === undefined ? {} : { key }),
    };
  };
}
