import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRead } from '../wire/methods.ts';
import type { Target } from '../wire/target.ts';
import { catalogue, publicDocument, whoami } from './documents.ts';
import { LOGOUT_PATH, type LogoutEndpoint } from './logout.ts';
import type { Recorder } from './recorder.ts';
import { sendJson } from './respond.ts';
import type { Runtime } from './runtime.ts';
import type { Unidentified } from './unidentified.ts';
import { describeEnd, type Visit } from './visit.ts';

/** What the relay answers itself; all of it lies under `/.`, where no API may be. */
export interface OwnEndpoints {
  /** Documents for a recognised caller. Resolves to whether it was one. */
  serveOwn(visit: Visit, target: Target, response: ServerResponse): Promise<boolean>;
  /** What needs no access token. Resolves to whether it was that. */
  servePublic(
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
    target: Target,
  ): Promise<boolean>;
}

/**
 * Makes the relay's own endpoints.
 *
 * @param deps the configuration at work, and what records
 * @returns the endpoints
 */
export function createOwnEndpoints(deps: {
  readonly runtime: Runtime;
  readonly recorder: Pick<Recorder, 'decided'>;
  readonly unidentified: Pick<Unidentified, 'refused'>;
  readonly logout: LogoutEndpoint;
  readonly now: () => number;
  readonly version: string;
}): OwnEndpoints {
  const { runtime, recorder, unidentified, now, version } = deps;
  return {
    async serveOwn(visit: Visit, target: Target, response: ServerResponse): Promise<boolean> {
      const principal = visit.principal as NonNullable<Visit['principal']>;
      const body =
        isRead(target) && target.path === '/.latchkey/whoami'
          ? whoami(principal)
          : isRead(target) && target.path === '/.latchkey/apis'
            ? catalogue(runtime, principal)
            : undefined;
      if (body === undefined) return false;
      const open = await recorder.decided(visit, undefined, { kind: 'allow', rule: 'latchkey' });
      const bytesOut = sendJson(response, visit.requestId, body, 0, visit.nonce);
      open?.finish(describeEnd(visit, { status: 200, bytesOut, closedBy: 'relay' }, now()));
      return true;
    },

    async servePublic(
      request: IncomingMessage,
      response: ServerResponse,
      visit: Visit,
      target: Target,
    ): Promise<boolean> {
      const document = isRead(target) ? publicDocument(target.path, runtime, version) : undefined;
      if (document !== undefined) {
        sendJson(response, visit.requestId, document.body, document.cacheSeconds);
        return true;
      }
      if (target.path !== LOGOUT_PATH) return false;
      const refused = await deps.logout(request, response, visit);
      if (refused === undefined) return true;
      visit.code = refused.problem.code;
      unidentified.refused(visit, refused.problem, refused.bytesOut);
      return true;
    },
  };
}
