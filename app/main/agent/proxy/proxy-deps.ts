import type { Ledger } from '../../../../audit/ledger.ts';
import type { AgentSnapshot } from '../status.ts';

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
   * An access token for one request; waits for a sign-in as long as the settings say.
   *
   * @throws {AgentError} `signed_out`, `session_expired`, `relay_unreachable`, …
   */
  authorize(signal: AbortSignal): Promise<string>;
  /** The relay refused this token: true when another one is now available. */
  renew(token: string): Promise<boolean>;
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
