import type { AuditFields, AuditKind } from '../../audit/record.ts';
import type { Check } from '../admin/management.ts';
import type { KeySource } from '../auth/jwks.ts';
import type { Allowance } from '../state/allowances.ts';
import type { UpstreamState } from '../generation.ts';
import type { Revocation } from '../state/shared-state.ts';

/** Both sides must speak the same: code on the disk may have changed since the primary began. */
export const PROTOCOL = 1;

/** What the primary learnt of an issuer's keys. */
export interface KeyNews {
  /** The key set's document; absent when it is the one told before. */
  readonly jwks?: unknown;
  readonly fetchedAtMs?: number;
  /** Why the last fetch failed; absent when it did not. */
  readonly problem?: string;
}

/** What the primary does for its workers. */
export interface PrimaryProcedures {
  /** Commits a `request` record, known to this worker by the number; returns another id for a request whose own was used before. */
  admit(
    number: number,
    fields: AuditFields & { readonly requestId: string },
  ): Promise<string | null>;
  /** Takes a `request` record that nobody waits for. */
  note(number: number, fields: AuditFields & { readonly requestId: string }): void;
  finish(number: number, outcome: AuditFields): void;
  interrupt(number: number): void;
  append(kind: Exclude<AuditKind, 'request' | 'outcome'>, fields: AuditFields): Promise<void>;
  /** Counts a request that was refused before anybody was recognised. */
  refused(fields: AuditFields & { readonly requestId: string }, outcome: AuditFields): void;
  once(key: string, expiresAtMs: number): Promise<boolean>;
  take(key: string, allowance: Allowance): Promise<number>;
  revoke(revocation: Revocation): Promise<void>;
  /** Base64. */
  secret(name: string): Promise<string>;
  wantKeys(source: KeySource): void;
  leaveKeys(source: KeySource): void;
  /** Waits until the keys may serve, or cannot be had; the news come before the answer. */
  usableKeys(source: KeySource): Promise<void>;
  refetchKeys(source: KeySource): Promise<void>;
  log(event: Record<string, unknown>): void;
  /** What a worker that goes has counted, as Prometheus text. */
  parting(metrics: string): void;
  /** Connections that this worker was handed, and has got. */
  taken(connections: readonly number[]): void;
  /** Those of them that it has done with. */
  closed(connections: readonly number[]): void;
}

/** What a worker does for the primary. Configurations travel sealed, see envelope.ts. */
export interface WorkerProcedures {
  start(sealed: string): Promise<void>;
  prepare(sealed: string): Promise<void>;
  adopt(): Promise<void>;
  discard(): void;
  revoked(revocation: Revocation): void;
  keys(issuer: string, news: KeyNews): void;
  checks(): Promise<readonly Check[]>;
  /** How each address of each API is. */
  upstreams(): Promise<readonly UpstreamState[]>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** How many open exchanges a revocation ends. */
  streamsOf(revocation: Revocation): number;
}
