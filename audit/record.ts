/** What happened. `request` is written when a request is decided, `outcome` when its answer ends. */
export type AuditKind =
  | 'request'
  | 'outcome'
  | 'sign-in'
  | 'sign-out'
  | 'refresh'
  | 'step-up'
  | 'config'
  | 'admin-read'
  | 'export'
  | 'erase'
  | 'start'
  | 'stop'
  | 'interrupted';

/** Which end of Latchkey wrote the record. */
export type AuditSide = 'app' | 'relay';

/** Who or what ended an exchange. */
export type ClosedBy =
  'client' | 'upstream' | 'relay' | 'expiry' | 'revocation' | 'drain' | 'error';

/**
 * The members that a writer may set. Nothing else is stored: no token, no body, no header, no query
 * but allowed names. Every member is optional; an absent one is left out of the record.
 */
export interface AuditFields {
  readonly requestId?: string;
  readonly traceId?: string;
  readonly issuer?: string;
  readonly user?: string;
  readonly userName?: string;
  readonly clientId?: string;
  readonly tool?: { readonly name?: string; readonly pid?: number; readonly key?: string };
  readonly ip?: string;
  readonly api?: string;
  readonly rule?: string;
  readonly method?: string;
  /** Canonical path, with no query but allowed names. */
  readonly path?: string;
  readonly decision?: 'allow' | 'deny';
  readonly code?: string;
  readonly status?: number;
  readonly upstream?: string;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly durationMs?: number;
  readonly closedBy?: ClosedBy;
  /** Hash of the token's jti (or of the token when it has none); never the token. */
  readonly tokenId?: string;
  /** Seconds since the epoch, as in the token. */
  readonly authTime?: number;
  readonly acr?: string;
  readonly binding?: 'none' | 'dpop' | 'mtls';
  readonly configHash?: string;
  /** How many like events this record stands for, where refusals are aggregated. */
  readonly count?: number;
  /** A short text for people on kinds other than `request` and `outcome`; never a secret. */
  readonly detail?: string;
}

/** One record as stored and exported (CONTRACTS section 8). */
export interface AuditRecord extends AuditFields {
  /** Position in the chain, from 1, without gaps. */
  readonly seq: number;
  /** ULID of this record. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly kind: AuditKind;
  readonly side: AuditSide;
  /** Hex SHA-256 over the canonical JSON of all members but `hash` itself. */
  readonly hash: string;
  /** The previous record's `hash`; 64 zeros for the first. */
  readonly prev: string;
}
