/** A value that a span may carry: never a token, never a person. */
export type Attribute = string | number;

/** A finished span, independent of who exports it. */
export interface SpanRecord {
  readonly name: string;
  readonly kind: 'server' | 'client';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  /** Whether the parent is in another process. */
  readonly isParentRemote: boolean;
  /** Epoch ms, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly events: readonly { readonly name: string; readonly atMs: number }[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly isError: boolean;
}

/** Takes finished spans; never fails, never waits. */
export type SpanSink = (span: SpanRecord) => void;

/** Methods that the semantic conventions know; others would make names without end. */
const METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);

/**
 * Names a request's method in a bounded way.
 *
 * @param method as received
 * @returns the method for attributes, and the word for names of spans
 * @see OpenTelemetry, Semantic conventions for HTTP spans
 */
export function methodNames(method: string | undefined): {
  readonly attribute: string;
  readonly word: string;
} {
  return method !== undefined && METHODS.has(method)
    ? { attribute: method, word: method }
    : { attribute: '_OTHER', word: 'HTTP' };
}

/**
 * Names an upstream's address.
 *
 * @param url as configured: an http(s) URL or `unix:/path`
 * @returns the attributes of the semantic conventions
 */
export function addressAttributes(url: string): Readonly<Record<string, Attribute>> {
  if (url.startsWith('unix:'))
    return { 'server.address': url.slice('unix:'.length), 'network.transport': 'unix' };
  const { protocol, hostname, port } = new URL(url);
  const usual = protocol === 'https:' ? 443 : 80;
  return { 'server.address': hostname, 'server.port': port === '' ? usual : Number(port) };
}
