import type { AuditRecord } from '../../audit/record.ts';

/** One record, written in the sink's format. */
export interface Item {
  readonly record: AuditRecord;
  readonly text: string;
}

/** Why a delivery failed: a closed list, since it is a label of a metric. */
export type FailureReason =
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'unauthorized'
  | 'settings'
  | 'throttled'
  | 'redirect'
  | 'http_4xx'
  | 'http_5xx'
  | 'rejected'
  | 'file'
  | 'ledger'
  | 'cursor'
  | 'dead_letter';

/** What a sink made of a batch. */
export type Delivery =
  | { readonly kind: 'accepted' }
  /** For good: the same batch would be refused again. */
  | { readonly kind: 'rejected'; readonly problem: string }
  /** Whatever was wrong may pass. */
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      /** For people; never a secret. */
      readonly problem: string;
      /** When the sink asks to be tried again. */
      readonly retryAfterMs?: number;
    };

/** Where batches are delivered. */
export interface Sink {
  /**
   * Delivers a batch, as a whole or not; never rejects.
   *
   * @param items at least one, in the order of the chain
   * @param signal gives up
   */
  deliver(items: readonly Item[], signal: AbortSignal): Promise<Delivery>;
  close(): void | Promise<void>;
}
