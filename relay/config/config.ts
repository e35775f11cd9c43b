import type { AnomalySettings } from '../../audit/anomalies/rules.ts';
import type { ApiConfig, RateLimit } from './api-config.ts';
import type { SinkConfig, SinkTls } from './sink-config.ts';

/** Where a listener binds. Port 0 means any free port. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The named opt-outs; each one set is logged, audited and shown in /readyz. */
export type InsecureName =
  | 'plainHttp'
  | 'plainIssuer'
  | 'plainUpstream'
  | 'trustAnyProxy'
  | 'plainState'
  | 'plainTelemetry'
  | 'plainSink';

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

/** How people sign in to the console (OpenID Connect), and which of them may look. */
export interface SignInConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Absent: a public client. */
  readonly authentication?:
    | ClientAuthentication
    /** In the form, as some providers want it (RFC 6749 §2.3.1). */
    | { readonly kind: 'client_secret_post'; readonly secret: string };
  readonly scopes: readonly string[];
  /** Without it nobody gets in. */
  readonly role: string;
  /** Where roles are in the ID token, or in what the provider tells of the person; dots for members. */
  readonly rolesClaim: string;
  /** A session ends after this long without a request, and after that long in any case. */
  readonly idleMs: number;
  readonly sessionMs: number;
}

/** The listener for operators. */
export interface ManagementConfig {
  readonly listen: ListenAddress;
  /** Whether it shows the console and the audit. */
  readonly console: boolean;
  /** The origin under which people open the console; absent: the listener's own. */
  readonly publicUrl?: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly signIn?: SignInConfig;
}

/** What of the relay's work is told to a collector; secrets already read. */
export interface TelemetryConfig {
  readonly serviceName: string;
  readonly traces: {
    /** Of the collector's OTLP/HTTP receiver for traces. */
    readonly url: string;
    /** The share of traces that are recorded where nobody has decided, 0 to 1. */
    readonly ratio: number;
    readonly headers: Readonly<Record<string, string>>;
    /** PEM of the authorities believed in place of the system's. */
    readonly ca?: string;
    readonly paths: boolean;
  };
}

/** What the relay finds unusual, and whom it tells. */
export interface AnomalyConfig extends AnomalySettings {
  readonly webhook?: {
    readonly url: string;
    /** Signs what is posted. */
    readonly secret: string;
    readonly tls: SinkTls;
    readonly timeoutMs: number;
  };
}

/** relay.yaml, checked, with defaults applied, secrets read and every unit spelled out. */
export interface RelayConfig {
  /** The first one's URL stands for the relay where `publicUrl` is not set. */
  readonly listen: readonly [ListenAddress, ...ListenAddress[]];
  /** The protected resource's identifier (RFC 9728), without a trailing slash. Absent: the listener's own URL. */
  readonly publicUrl?: string;
  readonly tls?: {
    readonly certFile: string;
    readonly keyFile: string;
    /** Whether clients are asked for a certificate, for tokens bound to one (RFC 8705). */
    readonly clientCertificates: boolean;
    /** Shown to clients that name another host (SNI); the names are the certificates' own. */
    readonly additional: readonly { readonly certFile: string; readonly keyFile: string }[];
  };
  /** Whether a PROXY protocol header (v1 or v2) opens each connection; believed from `trustedProxies` alone. */
  readonly proxyProtocol: boolean;
  /** Processes that serve; 1 is the relay's own. */
  readonly workers: number;
  /** Whether another relay may listen on the same addresses, to take over without a gap. */
  readonly reusePort: boolean;
  readonly drain: {
    /** How long /readyz is red while all is still served, each answer being its connection's last. */
    readonly delayMs: number;
    /** How long open exchanges may go on after that. */
    readonly timeoutMs: number;
  };
  /** PEM (PKCS #8, P-256) of the keys for assertions: the first signs, all are published. Absent: a key beside the audit. */
  readonly assertionKeys?: readonly string[];
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
  readonly audit: {
    readonly dir: string;
    /** The key that signs checkpoints; absent: a key beside the directory. */
    readonly keyFile?: string;
    readonly checkpointMs: number;
    readonly durability: 'process' | 'power';
    /** How long records are kept, unless an API says otherwise. */
    readonly retentionMs: number;
    /** How much of clients' addresses is recorded. */
    readonly ip: 'full' | 'truncated' | 'none';
    readonly sinks: readonly SinkConfig[];
  };
  readonly management?: ManagementConfig;
  /** Absent: nothing is looked for. */
  readonly anomalies?: AnomalyConfig;
  /** Absent: no traces. */
  readonly telemetry?: TelemetryConfig;
  readonly limits: {
    readonly headersBytes: number;
    readonly urlBytes: number;
    readonly connections: number;
    /** How long a client may take to send its headers. */
    readonly headersTimeoutMs: number;
    /** Less than this for `bodyGraceMs` is too slow a body. */
    readonly bodyBytesPerSecond: number;
    readonly bodyGraceMs: number;
    /** Failed authentications a source is allowed; absent: no throttle. */
    readonly failedAuthentications?: { readonly requests: number; readonly perMs: number };
    /** Connections a source may have open; absent: as many as there are. */
    readonly connectionsPerIp?: number;
    /** Allowances for all APIs together. */
    readonly rates: readonly RateLimit[];
  };
  /** Every file that this configuration was read from, absolute: the file itself, secrets, TLS. */
  readonly files: readonly string[];
  /** SHA-256 of the file's bytes, hex: names this configuration in the audit. */
  readonly hash: string;
}
