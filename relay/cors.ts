import { fieldValues, type HeaderList } from '../wire/headers.ts';
import type { CorsConfig } from './config/api-config.ts';
import { RelayError } from './errors.ts';

/** What one API lets web pages of other origins do. */
export interface Cors {
  /**
   * @param raw the request's fields
   * @returns what an answer or a refusal carries, so that the page may read it; to other pages it says nothing
   */
  fields(raw: HeaderList): HeaderList;
  /**
   * @param raw the fields of a preflight
   * @returns what its answer carries
   * @throws {RelayError} `denied` when the page's origin is not listed
   */
  preflight(raw: HeaderList): HeaderList;
}

/** Without these no page could show a token, whatever is listed. */
const ALWAYS_ALLOWED = ['Authorization', 'DPoP'];
/** What the relay itself says beside the body. */
const ALWAYS_EXPOSED = [
  'DPoP-Nonce',
  'Retry-After',
  'WWW-Authenticate',
  'X-Latchkey-Code',
  'X-Request-Id',
];
const VARY: HeaderList = ['Vary', 'Origin'];

/** Each name once, whatever its case. */
function joined(names: readonly string[]): string {
  const byFolded = new Map(names.map((name) => [name.toLowerCase(), name]));
  return [...byFolded.values()].join(', ');
}

/**
 * Compiles an API's `cors` block.
 *
 * @param config origins, and what their pages may send and read
 * @returns what to answer them
 * @see Fetch standard §3.2, CORS protocol
 */
export function createCors(config: CorsConfig): Cors {
  const origins = new Set(config.origins);
  // Never with credentials: then any page would act in the name of whoever looks at it.
  const isAny = origins.has('*') && !config.credentials;
  const credentials = config.credentials ? ['Access-Control-Allow-Credentials', 'true'] : [];
  const exposed = [
    'Access-Control-Expose-Headers',
    joined([...ALWAYS_EXPOSED, ...config.exposeHeaders]),
  ];
  const permissions = [
    'Access-Control-Allow-Methods',
    config.methods.join(', '),
    'Access-Control-Allow-Headers',
    joined([...ALWAYS_ALLOWED, ...config.headers]),
    'Access-Control-Max-Age',
    String(Math.floor(config.maxAgeMs / 1000)),
  ];

  /** Undefined for a page that is not listed, or no page. */
  function allowed(raw: HeaderList): HeaderList | undefined {
    const [origin, ...more] = fieldValues(raw, 'origin');
    if (origin === undefined || more.length > 0) return undefined;
    if (isAny) return ['Access-Control-Allow-Origin', '*'];
    if (origin === '*' || !origins.has(origin)) return undefined;
    return ['Access-Control-Allow-Origin', origin, ...credentials];
  }

  return {
    fields(raw) {
      const fields = allowed(raw);
      const vary = isAny ? [] : VARY;
      // Caches must know of it even where this origin gets nothing.
      return fields === undefined ? vary : [...vary, ...fields, ...exposed];
    },
    preflight(raw) {
      const fields = allowed(raw);
      if (fields === undefined)
        throw new RelayError(
          'denied',
          'Web pages of this origin may not call this API; its owner can list the origin under `cors`.',
        );
      return [...VARY, ...fields, ...permissions];
    },
  };
}

/**
 * Tells whether an OPTIONS request is a browser's question before a page's own request.
 *
 * @param raw its fields
 * @returns true for a preflight
 * @see Fetch standard §3.2.2
 */
export function isPreflight(raw: HeaderList): boolean {
  return (
    fieldValues(raw, 'origin').length > 0 &&
    fieldValues(raw, 'access-control-request-method').length > 0
  );
}
