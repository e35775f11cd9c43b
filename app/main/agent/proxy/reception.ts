import type { IncomingMessage } from 'node:http';
import { readFraming, type Framing } from '../../../../wire/framing.ts';
import { fieldValues } from '../../../../wire/headers.ts';
import { isRead, isRelayed } from '../../../../wire/methods.ts';
import { canonicalTarget, type Target } from '../../../../wire/target.ts';
import { carryTrace } from '../../../../wire/trace.ts';
import { AgentError } from '../errors.ts';
import type { Call } from './call.ts';
import type { Entrance } from './entrance.ts';
import { checkNoBrowser, checkOrigins, listedOrigin, readLocalHost } from './guard.ts';
import type { ProxyDeps } from './proxy-deps.ts';
import { toolName } from './transform.ts';

const LIMITS = { urlBytes: 16 * 1024 };
const PAGES = new Set(['/', '/.latchkey/status']);

/** Takes requests in at the door: no byte of one goes further before all of this has passed. */
export type Reception = (
  request: IncomingMessage,
  requestId: string,
  entrance: Entrance,
  /** Hears of a listed origin as soon as the guard lets it in: whatever is answered then may be read by it. */
  letIn: (origin: string) => void,
) => Promise<Call>;

/** What is asked for, as far as it is one clear request. */
interface Asked {
  readonly framing: Framing;
  readonly target: Target;
}

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

  /** Whoever may use the port hears why a request is not clear; the guard looks at the rest of it as ever. */
  async function hearWhy(
    request: IncomingMessage,
    entrance: Entrance,
    letIn: (origin: string) => void,
  ): Promise<void> {
    const origin = listedOrigin(request, deps);
    if (origin === undefined) return;
    const { method, rawHeaders, socket } = request;
    const { authority } = canonicalTarget({ method, rawHeaders, url: '/' }, LIMITS);
    readLocalHost({ rawHeaders, url: '/' }, authority, entrance, hasProfiles);
    checkOrigins(request, authority, deps, false);
    await deps.peers.check(socket, entrance);
    letIn(origin);
  }

  async function read(
    request: IncomingMessage,
    entrance: Entrance,
    letIn: (origin: string) => void,
  ): Promise<Asked> {
    try {
      return { framing: readFraming(request), target: canonicalTarget(request, LIMITS) };
    } catch (error) {
      await hearWhy(request, entrance, letIn).catch(() => undefined);
      throw error;
    }
  }

  return async (request, requestId, entrance, letIn) => {
    const { framing, target } = await read(request, entrance, letIn);
    const host = readLocalHost(request, target.authority, entrance, hasProfiles);
    const isPage = isRead(target) && host.kind === 'loopback' && PAGES.has(target.path);
    checkOrigins(request, target.authority, deps, isPage);
    if (host.kind === 'site') checkNoBrowser(request, deps);
    const peer = await deps.peers.check(request.socket, entrance);
    const origin = listedOrigin(request, deps);
    if (origin !== undefined) letIn(origin);
    checkLoop(request);
    const key = isPage ? undefined : deps.toolKeys.check(request, target.method);
    if (!isRelayed(target)) throw new AgentError('method', `${target.method} is not relayed.`);
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
      isPage,
      ...(origin === undefined ? {} : { origin }),
      ...(key === undefined ? {} : { key }),
    };
  };
}
