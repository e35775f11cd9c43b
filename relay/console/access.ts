import { isDeepStrictEqual } from 'node:util';
import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';
import { isPassedOn } from '../admin/guard.ts';
import type { Reader } from '../admin/reader.ts';
import { isLoopbackHost } from '../config/addresses.ts';
import type { ManagementConfig, SignInConfig } from '../config/config.ts';
import { readCookie, SESSION_COOKIE } from './cookies.ts';
import type { Revocable } from '../state/shared-state.ts';
import { createSessions, type Session, type Sessions, type SignedIn } from './sessions.ts';

/** Whether somebody may look. */
export type Access =
  | { readonly kind: 'open'; readonly session?: Session }
  /** Nobody is signed in. */
  | { readonly kind: 'sign-in' }
  | {
      readonly kind: 'closed';
      readonly status: 403 | 503;
      readonly code: string;
      readonly detail: string;
    };

/** Decides who may look. */
export interface Gate {
  /** Decides about a request; `look` leaves the session's idle time as it is. */
  admit(request: IncomingMessage, how?: 'use' | 'look'): Access;
  /** Who was admitted with a request. */
  readerOf(request: Request): Reader;
  /**
   * Whether what is known of somebody was revoked: by an operator, or by the provider.
   *
   * @throws {state_unavailable} it is not known what was revoked
   */
  isRevoked(who: SignedIn): boolean;
  readonly sessions: Sessions;
  /** The configuration of sign-ins now in force; sessions begun under another have ended. */
  signIn(): SignInConfig | undefined;
}

/** What the gate works with. */
export interface GateDeps {
  /** The listener's configuration now in force. */
  readonly management: () => ManagementConfig;
  /** @throws {state_unavailable} it is not known what was revoked */
  readonly isRevoked: (who: Revocable) => boolean;
  readonly now: () => number;
}

const NOT_LOCAL: Access = {
  kind: 'closed',
  status: 403,
  code: 'sign_in_not_configured',
  detail:
    'The management listener can be reached from other machines, so the console and the audit need a sign-in: set management.signIn (issuer, clientId, role) in relay.yaml.',
};
const BY_PROXY: Access = {
  kind: 'closed',
  status: 403,
  code: 'sign_in_not_configured',
  detail:
    'This request came through a proxy, so the console and the audit need a sign-in: set management.signIn and management.publicUrl in relay.yaml.',
};

const NOT_KNOWN: Access = {
  kind: 'closed',
  status: 503,
  code: 'state_unavailable',
  detail:
    'Which sessions were ended is not known at this time, so none is taken. /readyz says what is wrong; try again.',
};

const isLocal = ({ listen }: ManagementConfig): boolean =>
  listen.kind === 'unix' || isLoopbackHost(listen.host);

/**
 * Makes the gate: on this machine alone the listener is open, as it is for operators' tools; where a
 * sign-in is configured a session is needed; all else is closed.
 *
 * @param deps configuration, revocations and clock
 * @returns the gate
 */
export function createGate({ management, now, ...deps }: GateDeps): Gate {
  /** A session that ends while its last request is served is still that request's reader. */
  const admitted = new WeakMap<IncomingMessage, Session>();
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

  function isRevoked({ person, sid, issuedAtMs }: SignedIn): boolean {
    const { issuer, user: subject } = person;
    return deps.isRevoked({ issuer, subject, issuedAtMs, ...(sid === undefined ? {} : { sid }) });
  }

  function admit(request: IncomingMessage, how: 'use' | 'look' = 'use'): Access {
    if (signIn() === undefined) {
      if (!isLocal(management())) return NOT_LOCAL;
      return isPassedOn(request) ? BY_PROXY : { kind: 'open' };
    }
    const secret = readCookie(request, SESSION_COOKIE);
    const session = sessions.find(secret, how);
    if (secret === undefined || session === undefined) return { kind: 'sign-in' };
    try {
      if (isRevoked(session)) {
        sessions.end(secret);
        return { kind: 'sign-in' };
      }
    } catch {
      return NOT_KNOWN;
    }
    admitted.set(request, session);
    return { kind: 'open', session };
  }

  return {
    admit,
    sessions,
    signIn,
    isRevoked,
    readerOf(request) {
      const session = admitted.get(request);
      const ip = request.socket.remoteAddress;
      return {
        ...(session === undefined ? {} : { person: session.person }),
        ...(ip === undefined ? {} : { ip }),
      };
    },
  };
}
