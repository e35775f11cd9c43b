import type { Ledger } from '../../../../audit/ledger.ts';
import type { Access } from '../session/access.ts';
import type { AgentSnapshot } from '../status.ts';
import type { SignInChallenge } from '../login/challenge.ts';

/** A request that the relay refused until the person has signed in more strongly or more recently. */
export interface StepUpDemand {
  readonly challenge: SignInChallenge;
  /** The API's name, where it is known. */
  readonly api: string | undefined;
  /** When the request was sent, epoch ms: what the person has confirmed since then counts for it. */
  readonly sentAtMs: number;
}

/** What the local proxy needs from the agent. */
export interface ProxyDeps {
  /** 0 is any free port. */
  readonly port: number;
  readonly allowedOrigins: readonly string[];
  /** IT wants a key of every tool; there are none yet, so that every tool is refused. */
  readonly requireToolKeys: boolean;
  readonly version: string;
  relayUrl(): URL | undefined;
  snapshot(): AgentSnapshot;
  /**
   * What shows an access token for one request; waits for a sign-in as long as the settings say.
   *
   * @throws {AgentError} `signed_out`, `session_expired`, `relay_unreachable`, …
   */
  authorize(signal: AbortSignal): Promise<Access>;
  /** The relay refused this token: true when another one is now available. */
  renew(token: string): Promise<boolean>;
  /**
   * Asks the person to confirm who they are, and waits as long as the settings say; true when another
   * token is now available.
   */
  stepUp(demand: StepUpDemand, signal: AbortSignal): Promise<boolean>;
  relayReached(): void;
  relayFailed(error: unknown): void;
  readonly ledger: Pick<Ledger, 'admit'>;
  /** A refusal could not be recorded. */
  auditFailed(error: unknown): void;
  now(): number;
}

/** The localhost port. */
export interface Proxy {
  listen(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}
