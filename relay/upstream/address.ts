import { isIP } from 'node:net';

/** Where an upstream is, as far as its URL says. */
export interface UpstreamAddress {
  /** As configured, without secrets: for the audit. */
  readonly url: string;
  /** The Host value that it expects. */
  readonly host: string;
  /** Path prefix of its own, without a trailing slash. */
  readonly basePath: string;
  /** Name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
  /** A Unix socket in place of host and port. */
  readonly socketPath?: string;
  /** Whether somebody has to be asked where it is. */
  readonly isName: boolean;
}

const UNIX = 'unix:';

/**
 * Reads an upstream's URL.
 *
 * @param url an absolute http(s) URL, or `unix:/path`; checked when the configuration was read
 * @returns its parts
 */
export function parseAddress(url: string): UpstreamAddress {
  if (url.startsWith(UNIX)) {
    const socketPath = url.slice(UNIX.length);
    const nowhere = { hostname: 'localhost', port: 80, secure: false, isName: false };
    return { url, host: 'localhost', basePath: '', socketPath, ...nowhere };
  }
  const parsed = new URL(url);
  const secure = parsed.protocol === 'https:';
  const basePath = parsed.pathname.replace(/\/$/, '');
  const hostname = parsed.hostname.replace(/^\[|\]$/g, '');
  return {
    url: parsed.origin + basePath,
    host: parsed.host,
    basePath,
    hostname,
    port: parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port),
    secure,
    isName: isIP(hostname) === 0,
  };
}
