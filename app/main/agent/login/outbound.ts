import { AgentError } from '../errors.ts';

/** The fetch that the agent's own calls use; tests may replace it. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

const names = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Parses a URL without throwing (`URL.parse` is missing from the Node inside Electron).
 *
 * @param text the text
 * @returns the URL, or `undefined`
 */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/**
 * Tells whether a URL may carry secrets: https, or http that never leaves this machine.
 *
 * @param url the URL
 * @returns true when it may
 */
export function isSafeTransport(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && names.has(url.hostname));
}

/**
 * Reads the relay's address as a person or an administrator typed it.
 *
 * @param text `https://relay.example.com`
 * @returns the relay's origin, path `/`
 * @throws {AgentError} `bad_settings`
 */
export function parseRelayUrl(text: string): URL {
  const url = parseUrl(text.includes('://') ? text : `https://${text}`);
  if (!url || url.username || url.password || url.search || url.hash || url.pathname !== '/') {
    throw new AgentError(
      'bad_settings',
      'The relay address must look like https://relay.example.com, with nothing after the host.',
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new AgentError(
      'bad_settings',
      `The relay address must begin with https://, or with http:// for a relay on this computer; ${url.protocol}// is not possible.`,
    );
  }
  if (!isSafeTransport(url)) {
    throw new AgentError(
      'bad_settings',
      `The relay address must begin with https:// (${url.host} is not on this computer).`,
    );
  }
  return url;
}

/**
 * Says in a few words why a call failed on its way, for people; no path, no query.
 *
 * @param error what fetch rejected with
 * @returns such as `connection refused`
 */
export function transportReason(error: unknown): string {
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 6; depth += 1) {
    if (cause.name === 'TimeoutError') return 'no answer in time';
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
    const known = code === undefined ? undefined : reasons[code];
    if (known) return known;
    // The network's own words, which are for people and name the remedy.
    if (code === 'ERR_LATCHKEY_NETWORK') return cause.message;
    if (code && /CERT|SIGNATURE|ISSUER/.test(code))
      return `its certificate is not trusted: ${code}`;
    if (code && /^E[A-Z]+$|^UND_ERR/.test(code)) return code;
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  }
  return 'connection failed';
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name service does not answer',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no network',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_SOCKET: 'connection closed',
};
