import type { AuditPage, AuditQuery } from '../../../audit/query.ts';
import type { AuditRecord } from '../../../audit/record.ts';
import type { Grace } from './grace.ts';
import type { DeviceCode } from './login/provider-device.ts';
import type { ToolKeys } from './proxy/tool-key.ts';
import type { TokenFacts } from './session/token-facts.ts';
import type { WakeReason } from './wake-watch.ts';
import type { AgentSnapshot, ApiInfo, ProfileSnapshot } from './status.ts';

/** One relay with a session, a store, a catalogue and an audit of its own. */
export interface Profile {
  /** As in paths and on the command line: `acme`. */
  readonly name: string;
  /** As in the settings: `Acme Ltd`. */
  readonly title: string;
  snapshot(): ProfileSnapshot;
  /**
   * Signs in with the system browser; a second call joins the attempt that is running.
   *
   * @param onCode shows a code for another device instead (RFC 8628), and ends the attempt that is running
   */
  signIn(onCode?: (code: DeviceCode) => void): Promise<ProfileSnapshot>;
  cancelSignIn(): void;
  /** Revokes the tokens (RFC 7009) and forgets them; the local part succeeds even when revocation fails. */
  signOut(): Promise<void>;
  /** Asks the relay again which APIs this person may use. */
  refreshApis(): Promise<readonly ApiInfo[]>;
  /** A page of the profile's own audit, newest first. */
  activity(query: AuditQuery): AuditPage;
  /** What may be told of the access token, while somebody is signed in. */
  token(): TokenFacts | undefined;
}

/**
 * The desktop agent: everything the app does, without a window. What can be done with a profile and
 * names none, is done with the first one.
 */
export interface Agent {
  /**
   * Opens the audit, binds the local port and the control socket, restores a sealed session.
   * After a failure everything is closed again and `snapshot().fault` tells why; it may be called again.
   *
   * @throws {AgentError} `port_in_use`, `already_running`, `audit_unavailable`
   */
  start(): Promise<void>;
  snapshot(): AgentSnapshot;
  /** Calls the listener after every change; returns the unsubscriber. */
  onChange(listener: (snapshot: AgentSnapshot) => void): () => void;
  /** Signs in with the system browser; a second call joins the attempt that is running. */
  signIn(): Promise<AgentSnapshot>;
  cancelSignIn(): void;
  /** Revokes the tokens (RFC 7009) and forgets them; the local part succeeds even when revocation fails. */
  signOut(): Promise<void>;
  /** Asks the relay again which APIs this person may use. */
  refreshApis(): Promise<readonly ApiInfo[]>;
  /** A page of the local audit, newest first. */
  activity(query: AuditQuery): AuditPage;
  /** Calls the listener with each new record; `profile` is set while several are set up. */
  onActivity(listener: (records: readonly AuditRecord[], profile?: string) => void): () => void;
  /** @throws {AgentError} `unknown_profile`, naming those that there are; without a name the first one */
  profile(name?: string): Profile;
  /** In the order of the settings; never empty. */
  profiles(): readonly Profile[];
  /** The named keys of tools, which open every profile; usable from `start` on. */
  readonly keys: ToolKeys;
  /** The machine has slept, or is on another network: what was known of relay and session may not hold any more. */
  wake(reason: WakeReason): void;
  /**
   * Takes no more requests, lets those that run end, cuts what is left; then stops everything that `start`
   * opened, in reverse order.
   *
   * @param grace how long requests may go on; without it they are cut at once
   */
  close(grace?: Grace): Promise<void>;
}
