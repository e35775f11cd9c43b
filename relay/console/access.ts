import { isDeepStrictEqual } from 'node:util';
import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';
import { isPassedOn } from '../admin/guard.ts';
import type { Reader } from '../admin/reader.ts';
import { isLoopbackHost } from '../config/addresses.ts';
import type { ManagementConfig, SignInConfig } from '../config/config.ts';
import { readCookie, SESSION_COOKIE } from './cookies.ts';
import { createSessions, type Session, type Sessions } from './sessions.ts';

/** Whether somebody may look. */
export type Access =
  | { readonly kind: 'open'; readonly session?: Session }
  /** Nobody is signed in. */
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'closed'; readonly code: string; readonly detail: string };

/** Decides who may look. */
export interface Gate {
  /** Decides about a request; `look` leaves the session's idle time as it is. */
  admit(request: IncomingMessage, how?: 'use' | 'look'): Access;
  readerOf(request: Request): Reader;
  readonly sessions: Sessions;
  /** The configuration of sign-ins now in force; sessions begun under another have ended. */
  signIn(): SignInConfig | undefined;
}

const NOT_LOCAL: Access = {
  kind: 'closed',
  code: 'sign_in_not_configured',
  detail:
    'The management listener can be reached from other machines, so the console and the audit need a sign-in: set management.signIn (issuer, clientId, role) in relay.yaml.',
};
const BY_PROXY: Access = {
  kind: 'closed',
  code: 'sign_in_not_configured',
  detail:
    'This request came through a proxy, so the console and the audit need a sign-in: set management.signIn and management.publicUrl in relay.yaml.',
};

const isLocal = ({ listen }: ManagementConfig): boolean =>
  listen.kind === 'unix' || isLoopbackHost(listen.host);

/**
 * Makes the gate: on this machine alone the listener is open, as it is for operators' tools; where a
 * sign-in is configured a session is needed; all else is closed.
 *
 * @param management the listener's configuration now in force
 * @param now the clock, epoch ms
 * @returns the gate
 */
export function createGate(management: () => ManagementConfig, now: () => number): Gate {
  let config = management().signIn;
  const sessions = createSessions(now, () => ({
    idleMs: config?.idleMs ?? 0,
    sessionMs: config?.sessionMs ?? 0,
  }));

  function signIn(): SignInConfig | undefined {
    const current = management().signIn;
    // Another role or provider: who was let in before might not be now.
    if (current !== config && !isDeepStrictEqual(current, config)) sessions.clear();
    config = current;
    return config;
  }

  function admit(request: IncomingMessage, how: 'use' | 'look' = 'use'): Access {
    if (signIn() === undefined) {
      if (!isLocal(management())) return NOT_LOCAL;
      return isPassedOn(request) ? BY_PROXY : { kind: 'open' };
    }
    const session = sessions.find(readCookie(request, SESSION_COOKIE), how);
    return session === undefined ? { kind: 'sign-in' } : { kind: 'open', session };
  }

  return {
    admit,
    sessions,
    signIn,
    readerOf(request) {
      const access = admit(request, 'look');
      const ip = request.socket.remoteAddress;
      return {
        ...(access.kind === 'open' && access.session ? { person: access.session.person } : {}),
        ...(ip === undefined ? {} : { ip }),
      };
    },
  };
}
