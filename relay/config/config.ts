/** Where a listener binds. Port 0 means any free port. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The named opt-outs; each one set is logged, audited and shown in /readyz. */
export type InsecureName =
  'plainHttp' | 'plainIssuer' | 'plainUpstream' | 'trustAnyProxy' | 'plainState';

/** What the app needs to know to sign people in with this issuer. */
export interface DesktopConfig {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly authorizationParameters: Readonly<Record<string, string>>;
  readonly redirectUri: string;
  readonly redirectPorts: readonly number[];
}

/** How the relay shows an introspection endpoint who it is (RFC 7662 §2.1, RFC 7523, RFC 8705 §2). */
export type ClientAuthentication =
  | { readonly kind: 'client_secret_basic'; readonly secret: string }
  /** PEM (PKCS #8) of the key that signs assertions; `keyId` goes into their `kid`. */
  | { readonly kind: 'private_key_jwt'; readonly key: string; readonly keyId?: string }
  /** PEM of the certificate and its key. */
  | { readonly kind: 'tls_client_auth'; readonly certificate: string; readonly key: string };

/** How tokens that say nothing themselves are asked about (RFC 7662). */
export interface IntrospectionConfig {
  /** Absent: what discovery names. */
  readonly endpoint?: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** How long an answer serves at most; never beyond the token's `exp`. */
  readonly cacheMs: number;
  readonly negativeCacheMs: number;
  readonly timeoutMs: number;
}

/** One trusted identity provider. */
export interface IssuerConfig {
  /** Compared exactly, trailing slash included. */
  readonly issuer: string;
  /** One of these must be in `aud`; never empty. */
  readonly audience: readonly string[];
  readonly tokens: 'jwt' | 'introspection';
  readonly profile: 'strict' | 'compat';
  readonly algorithms: readonly string[];
  readonly clockToleranceMs: number;
  readonly maxStaleMs: number;
  readonly dpop: 'off' | 'optional' | 'required';
  /** Whether proofs must carry a nonce of ours (RFC 9449 §9). */
  readonly dpopNonce: boolean;
  /** Paths into the claims, dots for members: `realm_access.roles`. */
  readonly claims: {
    readonly user: string;
    readonly email: string;
    readonly roles: string;
    readonly groups: string;
  };
  /** Overrides what discovery says or lacks. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Present with `tokens: introspection`. */
  readonly introspection?: IntrospectionConfig;
  readonly desktop?: DesktopConfig;
}

type Scalar = string | number | boolean;

/** One rule; every member present must hold. Absent methods or paths mean any. */
export interface RuleConfig {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
  readonly scopes?: readonly string[];
  readonly anyScope?: readonly string[];
  readonly roles?: readonly string[];
  readonly groups?: readonly string[];
  readonly clients?: readonly string[];
  readonly claims?: Readonly<Record<string, Scalar | readonly Scalar[]>>;
  /** CIDRs. */
  readonly from?: readonly string[];
  readonly acr?: readonly string[];
  readonly maxAgeMs?: number;
  /** A CEL expression over `claims`, `request` and `now`, type-checked at load. */
  readonly when?: string;
}

/** What the relay shows a legacy API in place of the caller's token; secrets already read. */
export type UpstreamCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string };

/** One internal API. */
export interface ApiConfig {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly docs?: string;
  /** Public prefix, without a trailing slash: `/billing`. */
  readonly path: string;
  readonly stripPath: boolean;
  readonly hosts: readonly string[];
  /** Absolute http(s) URLs, at least one. */
  readonly upstreams: readonly string[];
  readonly rules: readonly RuleConfig[];
  readonly request: {
    readonly setHeaders: Readonly<Record<string, string>>;
    readonly removeHeaders: readonly string[];
    readonly credentials?: UpstreamCredentials;
    readonly passAuthorization: boolean;
  };
  readonly response: {
    readonly setHeaders: Readonly<Record<string, string>>;
    readonly removeHeaders: readonly string[];
  };
  readonly limits: { readonly bodyBytes: number };
  readonly timeouts: {
    readonly connectMs: number;
    readonly headersMs: number;
    readonly idleMs: number;
  };
  readonly audit: { readonly required: boolean; readonly query: readonly string[] };
}

/** relay.yaml, checked, with defaults applied, secrets read and every unit spelled out. */
export interface RelayConfig {
  readonly listen: ListenAddress;
  /** The protected resource's identifier (RFC 9728), without a trailing slash. Absent: the listener's own URL. */
  readonly publicUrl?: string;
  readonly tls?: {
    readonly certFile: string;
    readonly keyFile: string;
    /** Whether clients are asked for a certificate, for tokens bound to one (RFC 8705). */
    readonly clientCertificates: boolean;
  };
  /** The field in which trusted proxies pass a client's certificate on (RFC 9440), lower case. */
  readonly clientCertificateHeader?: string;
  /** Where relays keep what they must know of each other. */
  readonly state: { readonly kind: 'memory' } | { readonly kind: 'redis'; readonly url: string };
  readonly trustedProxies: readonly string[];
  /** Lower case `host` or `host:port`. */
  readonly additionalHosts: readonly string[];
  readonly insecure: readonly InsecureName[];
  readonly issuers: readonly IssuerConfig[];
  readonly apis: readonly ApiConfig[];
  readonly audit: { readonly dir: string; readonly checkpointMs: number };
  readonly management?: { readonly listen: ListenAddress };
  readonly limits: {
    readonly headersBytes: number;
    readonly urlBytes: number;
    readonly connections: number;
    /** How long a client may take to send its headers. */
    readonly headersTimeoutMs: number;
  };
  /** Every file that this configuration was read from, absolute: the file itself, secrets, TLS. */
  readonly files: readonly string[];
  /** SHA-256 of the file's bytes, hex: names this configuration in the audit. */
  readonly hash: string;
}
