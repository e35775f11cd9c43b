// Types only, and nothing that knows Node: the page is checked against this file.
import type { AuditRecord } from '../../audit/record.ts';

export type { AuditRecord } from '../../audit/record.ts';
export type {
  ApiSummary,
  DenialSummary,
  PersonSummary,
  SeriesPoint,
  Summary,
} from '../admin/summary-shape.ts';

/** A page of the audit, newest record first. */
export interface RecordsView {
  readonly records: readonly AuditRecord[];
  readonly nextCursor?: string;
}

/** One line of readiness. */
export interface CheckView {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
  readonly keys?: number;
  readonly keysAgeSeconds?: number;
}

/** What is shown of the configuration in effect. */
export interface ConfigView {
  readonly hash: string;
  readonly loadedAt: string;
  readonly insecure: readonly string[];
  readonly lastReloadFailure?: {
    readonly at: string;
    readonly faults: readonly { readonly path: string; readonly message: string }[];
  };
}

/** What a check of the chain found. */
export interface VerificationResult {
  readonly ok: boolean;
  readonly records: number;
  readonly checkpoints: number;
  readonly segments: number;
  readonly faults: readonly {
    readonly segment?: string;
    readonly seq?: number;
    readonly what: string;
  }[];
}

/** Who looks, and how long they may. */
export interface SessionView {
  /** Absent where nobody signs in. */
  readonly person?: { readonly user: string; readonly name?: string };
  readonly version: string;
}

/** One address of an API. */
export interface UpstreamView {
  readonly upstream: string;
  readonly isUsed: boolean;
  readonly problem?: string;
}

/** One API as configured, and how its addresses are. */
export interface ApiView {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly path: string;
  readonly hosts: readonly string[];
  readonly rules: readonly string[];
  /** False where requests go on without a record when the audit cannot be written. */
  readonly isAuditRequired: boolean;
  readonly upstreams: readonly UpstreamView[];
}

/** How the last check of the chain went. */
export type VerificationView =
  | { readonly kind: 'never' }
  | { readonly kind: 'running'; readonly startedAt: string }
  | {
      readonly kind: 'done';
      readonly startedAt: string;
      readonly endedAt: string;
      readonly result: VerificationResult;
    }
  | { readonly kind: 'failed'; readonly endedAt: string; readonly problem: string };

/** How the relay and its audit are. */
export interface StatusView {
  readonly checks: readonly CheckView[];
  readonly config: ConfigView;
  readonly audit: { readonly head: number; readonly lagMs: number; readonly problem?: string };
  /** The newest signed one. */
  readonly checkpoint?: { readonly seq: number; readonly at: string; readonly keyId: string };
  readonly verification: VerificationView;
  /** When it may be asked for again, RFC 3339; absent: now. */
  readonly verifyFrom?: string;
}

/** Everything that is known of one request. */
export interface StoryView {
  /** Oldest first. */
  readonly records: readonly AuditRecord[];
}
