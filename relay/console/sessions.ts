import { createHash, randomBytes } from 'node:crypto';
import type { Reader } from '../admin/reader.ts';

/** What is known of somebody who signed in. */
export interface SignedIn {
  readonly person: NonNullable<Reader['person']>;
  /** The provider's own session, if it names it. */
  readonly sid?: string;
  /** Of the ID token, by the provider's clock, epoch ms. */
  readonly issuedAtMs: number;
  /** Where the provider ends its own session; holds the ID token, so that it leaves with the session. */
  readonly farewell?: string;
}

/** Somebody who signed in. */
export interface Session extends SignedIn {
  readonly startedAtMs: number;
  usedAtMs: number;
}

/** How long sessions last, ms. */
export interface SessionLimits {
  readonly idleMs: number;
  readonly sessionMs: number;
}

/** Who is signed in to the console; kept in memory, so that a restart signs everybody out. */
export interface Sessions {
  /** @returns the secret that stands for it, which only the browser keeps */
  open(who: SignedIn): string;
  /** A use keeps it from ending; a look does not. */
  find(secret: string | undefined, how: 'use' | 'look'): Session | undefined;
  end(secret: string): Session | undefined;
  /** Forgets those whose time is over. */
  sweep(): void;
  /** Ends all of them. */
  clear(): void;
}

/** Beyond this the one that was used least lately ends. */
const MAX_SESSIONS = 1_000;

const keyOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/**
 * Makes an empty store of sessions.
 *
 * @param now the clock, epoch ms
 * @param limits of the configuration now in force
 * @returns the store
 */
export function createSessions(now: () => number, limits: () => SessionLimits): Sessions {
  /** By a hash of the secret; in the order of their last use. */
  const sessions = new Map<string, Session>();

  function isOver({ startedAtMs, usedAtMs }: Session): boolean {
    const { idleMs, sessionMs } = limits();
    return now() >= usedAtMs + idleMs || now() >= startedAtMs + sessionMs;
  }

  return {
    open(who) {
      const secret = randomBytes(32).toString('base64url');
      const [oldest] = sessions.keys();
      if (sessions.size >= MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
      sessions.set(keyOf(secret), { ...who, startedAtMs: now(), usedAtMs: now() });
      return secret;
    },
    find(secret, how) {
      if (secret === undefined) return undefined;
      const key = keyOf(secret);
      const session = sessions.get(key);
      if (session === undefined) return undefined;
      if (isOver(session)) {
        sessions.delete(key);
        return undefined;
      }
      if (how === 'use') {
        session.usedAtMs = now();
        sessions.delete(key);
        sessions.set(key, session);
      }
      return session;
    },
    end(secret) {
      const key = keyOf(secret);
      const session = sessions.get(key);
      sessions.delete(key);
      return session;
    },
    sweep() {
      for (const [key, session] of sessions) if (isOver(session)) sessions.delete(key);
    },
    clear: () => sessions.clear(),
  };
}
