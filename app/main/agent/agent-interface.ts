import type { AuditPage, AuditQuery } from '../../../audit/query.ts';
import type { AuditRecord } from '../../../audit/record.ts';
import type { AgentSnapshot, ApiInfo } from './status.ts';

/** The desktop agent: everything the app does, without a window. */
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
  onActivity(listener: (records: readonly AuditRecord[]) => void): () => void;
  /** Stops everything that `start` opened, in reverse order. */
  close(): Promise<void>;
}
