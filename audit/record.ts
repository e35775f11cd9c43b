/**
 * What happened. `request` is written when a request is decided, `outcome` when its answer ends, `gap` when
 * records can be written again after a time in which they could not, `anomaly` when something is unusual.
 */
export const AUDIT_KINDS = [
  'request',
  'outcome',
  'sign-in',
  'sign-out',
  'refresh',
  'step-up',
  'config',
  'admin-read',
  'export',
  'erase',
  'hold',
  'expire',
  'start',
  'stop',
  'interrupted',
  'gap',
  'anomaly',
] as const;

/** One of {@link AUDIT_KINDS}. */
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** They never expire: without them it could not be told what was done by right. */
export const LASTING_KINDS: readonly AuditKind[] = ['erase', 'expire', 'hold'];

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

/** The members that name somebody, but for the subject itself: they are stored sealed. */
export type PersonalFields = Pick<AuditFields, 'ip' | 'tokenId' | 'userName'>;

/** What an `expire` record says of the records that are gone. */
export interface Expiry {
  /** Names the stubs that are left in their place. */
  readonly batch: string;
  /** Hex SHA-256 over these stubs. */
  readonly digest: string;
  /** First and last record that the stubs stand for; others between them may still be there. */
  readonly from: number;
  readonly to: number;
  readonly retentionMs: number;
  /** All were older than this, RFC 3339. */
  readonly until: string;
}

/** The members that a ledger stores: what names somebody is sealed. */
export interface RecordedFields extends AuditFields {
  /** A person's pseudonym; it tells nothing once the person was erased. */
  readonly who?: string;
  /** `ip`, `tokenId` and `userName`, encrypted under the person's key, or that of a day's strangers. */
  readonly sealed?: string;
  readonly expiry?: Expiry;
  /** In the first record of a segment: digest of what its file says beside its records, see `openingDigest`. */
  readonly segment?: string;
}

/** One record as stored and exported (CONTRACTS section 8). */
export interface AuditRecord extends RecordedFields {
  /** Position in the chain, from 1, without gaps. */
  readonly seq: number;
  /** ULID of this record. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly kind: AuditKind;
  readonly side: AuditSide;
  /** Hex SHA-256 over `latchkey-audit-record-v2\n` and the canonical JSON of all members but `hash` itself. */
  readonly hash: string;
  /** The previous record's `hash`; 64 zeros for the first. */
  readonly prev: string;
}
