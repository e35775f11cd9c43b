import type { RelayConfig } from './config/config.ts';
import { RelayError } from './errors.ts';

/** Refuses requests that name another host. */
export type HostCheck = (authority: string) => void;

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?$/;

function spellings(authority: string, defaultPort: number): string[] {
  const bare = authority.replace(new RegExp(`:${defaultPort}$`), '');
  return bare === authority && /:[0-9]+$/.test(authority)
    ? [authority]
    : [bare, `${bare}:${defaultPort}`];
}

/**
 * Compiles which hosts a request may name: the public URL's, the additional ones, and loopback
 * names on a loopback listener.
 *
 * @param config the relay's configuration
 * @param resource the protected resource's identifier
 * @returns the check; it throws `wrong_host`
 * @see RFC 9110 §7.4, CVE-2026-112362
 */
export function createHostCheck(config: RelayConfig, resource: string): HostCheck {
  const url = new URL(resource);
  const defaultPort = url.protocol === 'https:' ? 443 : 80;
  const allowed = new Set(
    [url.host, ...config.additionalHosts].flatMap((host) =>
      spellings(host.toLowerCase(), defaultPort),
    ),
  );
  const loopback = config.listen.every(
    (address) =>
      address.kind === 'unix' || ['127.0.0.1', '::1', 'localhost'].includes(address.host),
  );
  return (authority) => {
    if (allowed.has(authority) || (loopback && LOOPBACK.test(authority))) return;
    throw new RelayError(
      'wrong_host',
      `This relay is ${url.host}; the request names another host.`,
    );
  };
}
