/** One audit record as a person is shown it: the window's own, or one of the relay's. */
export interface ActivityRecord {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  /** Which end of Latchkey wrote it; absent in the window, where it is always the app. */
  readonly side?: 'app' | 'relay';
  readonly requestId?: string;
  /** Whose request it was; absent in the window, where it is always the same person's. */
  readonly person?: string;
  readonly api?: string;
  readonly rule?: string;
  readonly method?: string;
  readonly path?: string;
  readonly decision?: 'allow' | 'deny';
  readonly code?: string;
  readonly status?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly durationMs?: number;
  readonly closedBy?: string;
  readonly tool?: string;
  /** The name of the key that the tool showed, or that was made or revoked. */
  readonly toolKey?: string;
  readonly count?: number;
  /** As the writer put it: a text or JSON; people are shown `eventWords`. */
  readonly detail?: string;
}
