/** Why a request is refused by policy (CONTRACTS section 4). */
export type DenyCode =
  | 'client'
  | 'network'
  | 'scope'
  | 'role'
  | 'group'
  | 'claim'
  | 'condition'
  | 'step_up'
  | 'denied'
  | 'no_rule';

/** What policy says of one request: a value, never an exception. */
export type Verdict =
  | { readonly kind: 'allow'; readonly rule: string }
  | {
      readonly kind: 'deny';
      readonly code: DenyCode;
      /** The rule that denied, or the allow rule that came nearest. */
      readonly rule?: string;
      /** With `scope`: what would have been enough. */
      readonly scopes?: readonly string[];
      /** With `step_up` (RFC 9470 §3). */
      readonly acrValues?: readonly string[];
      readonly maxAgeSeconds?: number;
    };

/** What conditions written in CEL may look at besides. */
export interface RequestDetails {
  /** Decoded parameters, each with all its values. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** Lower-case names; values of a repeated field joined by `, `; none that holds a credential. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The request as policy sees it: the canonical one. */
export interface PolicyRequest {
  readonly method: string;
  /** Canonical, relative to the API's path, beginning with `/`. */
  readonly path: string;
  readonly ip: string;
  readonly nowMs: number;
  /** Asked only by rules with `when`, so that others do not pay for it. */
  readonly details?: () => RequestDetails;
}
