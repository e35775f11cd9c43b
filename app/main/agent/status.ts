import type { AgentErrorCode } from './errors.ts';

/**
 * The five states that the tray, the window, the CLI and `GET /.latchkey/status` show.
 * `offline`: signed in, but the relay or the provider can't be reached; it recovers by itself.
 * `expired`: the provider ended the session; the person must sign in again.
 */
export type AgentStatus = 'signed-out' | 'signing-in' | 'ready' | 'offline' | 'expired';

/** Something that went wrong, in words for people. */
export interface Fault {
  readonly code: AgentErrorCode;
  /** What happened and what to do next. */
  readonly message: string;
  readonly atMs: number;
}

/** Who is signed in. */
export interface SignedInUser {
  readonly subject: string;
  readonly name?: string;
  readonly email?: string;
}

/** One rule of an API as the relay's catalogue describes it. */
export interface ApiRule {
  readonly name: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly allowed: boolean;
  /** Why not, when not allowed: `scope billing.write`. */
  readonly missing?: string;
}

/** One API of which the signed-in person may use something. */
export interface ApiInfo {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly docs?: string;
  /** The relay's path prefix: `/billing`. */
  readonly path: string;
  readonly hosts: readonly string[];
  readonly rules: readonly ApiRule[];
  /** `http://localhost:5390/billing`. */
  readonly localUrl: string;
  /** `http://localhost:5391`, where the API has a port of its own. */
  readonly ownUrl?: string;
}

/** All that the outside may know of the agent; no secret in it. */
export interface AgentSnapshot {
  readonly status: AgentStatus;
  readonly user?: SignedInUser;
  /** The relay's URL; absent until one is set. */
  readonly relay?: string;
  /** `http://localhost:5390`; absent while the port is not bound. */
  readonly localUrl?: string;
  readonly apis: readonly ApiInfo[];
  /** While signing in: the page to open by hand, when no browser opened. */
  readonly signInUrl?: string;
  /** The latest fault that still matters; cleared by success. */
  readonly fault?: Fault;
  /** Where tokens are kept: sealed by the operating system, or in memory only. */
  readonly store: 'sealed' | 'memory';
  /** Epoch ms at which the current access token ends. */
  readonly expiresAtMs?: number;
  readonly version: string;
  /** Every relay's side, the first one included; only while several are set up. */
  readonly profiles?: readonly ProfileSnapshot[];
}

/** One relay's side of the agent. */
export interface ProfileSnapshot extends Omit<AgentSnapshot, 'version' | 'profiles'> {
  /** As in paths and on the command line: `acme`. */
  readonly name: string;
  /** As in the settings: `Acme Ltd`. */
  readonly title: string;
}
