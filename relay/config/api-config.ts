import type { ClientAuthentication } from './config.ts';

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

/** Whom the relay asks for tokens of its own, and how it shows who it is. */
export interface TokenEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  readonly scopes: readonly string[];
  /** RFC 8707 `resource` and RFC 8693 `audience`, where the endpoint wants them. */
  readonly resource?: string;
  readonly audience?: string;
  readonly timeoutMs: number;
}

/** What the relay shows a legacy API in place of the caller's token; secrets already read. */
export type UpstreamCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  /** PEM; shown in the TLS handshake. */
  | { readonly kind: 'clientCertificate'; readonly certificate: string; readonly key: string }
  | {
      readonly kind: 'awsSigV4';
      readonly region: string;
      readonly service: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    }
  /** RFC 6749 §4.4: one token for all callers. */
  | { readonly kind: 'clientCredentials'; readonly endpoint: TokenEndpoint }
  /** RFC 8693: a token for each caller, in exchange for theirs. */
  | { readonly kind: 'tokenExchange'; readonly endpoint: TokenEndpoint };

/** Whose requests share one allowance. */
export type RateKey = 'user' | 'client' | 'api' | 'ip';

/** An allowance by GCRA: `requests` at once, and as many again in each `perMs`. */
export interface RateLimit {
  readonly requests: number;
  readonly perMs: number;
  readonly by: RateKey;
}

/** How an API's addresses are watched. */
export interface HealthConfig {
  /** On the upstream itself; any 2xx is healthy. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** How many answers in a row change the opinion. */
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
}

/** Which web pages may call an API through the relay (Fetch standard, CORS protocol). */
export interface CorsConfig {
  /** Exact origins; `*` is any, never together with credentials. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeMs: number;
}

/** How requests are spread over an API's addresses, and when one is left alone. */
export interface BalancingConfig {
  /** Over how long a recovered or new address takes on its full share; 0 at once. */
  readonly slowStartMs: number;
  /** Failed exchanges in a row that open the circuit, and for how long. */
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
  /** How often names are resolved anew. */
  readonly resolveMs: number;
}

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
  /** Absolute http(s) origins or `unix:/path`, at least one. */
  readonly upstreams: readonly string[];
  readonly upstreamTls?: {
    /** PEM of the authorities believed in place of the system's. */
    readonly ca?: string;
    /** The name in the certificate, where it is not the URL's. */
    readonly serverName?: string;
  };
  readonly health?: HealthConfig;
  readonly balancing: BalancingConfig;
  /** How many further addresses or connections an idempotent request may try. */
  readonly retries: number;
  /** How long a stream may go on after its token's end. */
  readonly streams: { readonly gracefulMs: number };
  readonly cors?: CorsConfig;
  readonly rules: readonly RuleConfig[];
  readonly request: {
    readonly setHeaders: Readonly<Record<string, string>>;
    readonly removeHeaders: readonly string[];
    /** The first pattern that matches the path (after `stripPath`) replaces it; `*` and `**` carry over in order. */
    readonly rewritePaths: readonly { readonly from: string; readonly to: string }[];
    /** Values are templates like those of headers. */
    readonly setQuery: Readonly<Record<string, string>>;
    readonly removeQuery: readonly string[];
    readonly credentials?: UpstreamCredentials;
    /** Whether the API gets a signed `X-Latchkey-Assertion`. */
    readonly assertion: boolean;
    readonly passAuthorization: boolean;
  };
  readonly response: {
    readonly setHeaders: Readonly<Record<string, string>>;
    readonly removeHeaders: readonly string[];
    /** Whether Location and cookies' Path and Domain are given their public names. */
    readonly rewriteLocation: boolean;
    readonly rewriteCookies: boolean;
  };
  readonly limits: {
    readonly bodyBytes: number;
    readonly rates: readonly RateLimit[];
    /** How many exchanges may be open at once. */
    readonly concurrent?: number;
  };
  readonly timeouts: {
    readonly connectMs: number;
    readonly headersMs: number;
    readonly idleMs: number;
    /** Of a whole exchange, streams included; absent: none. */
    readonly totalMs?: number;
  };
  readonly audit: {
    readonly required: boolean;
    readonly query: readonly string[];
    /** How long this API's records are kept; absent: as long as all others. */
    readonly retentionMs?: number;
  };
}
