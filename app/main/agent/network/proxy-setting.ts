import { NetworkError } from './network-error.ts';
import type { ProxyServer, Route } from './route.ts';

/** What `network.proxy` asks for. */
export type ProxySetting =
  | { readonly kind: 'fixed'; readonly route: Route }
  | { readonly kind: 'pac'; readonly script: URL };

const FORMS =
  'http://proxy.example.com:3128, http://NAME:PASSWORD@proxy.example.com:3128, pac+https://example.com/proxy.pac or direct';
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Reads the address of a proxy.
 *
 * @param text `http://[name:password@]host:port`; without a scheme it is http
 * @returns the proxy, or why it cannot be used
 * @see RFC 7617 §2
 */
export function parseProxy(text: string): Route {
  const whole = text.includes('://') ? text : `http://${text}`;
  // The text itself may hold a password: no message repeats it.
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined) return refused(`a proxy must look like ${FORMS}`);
  if (url.protocol.startsWith('socks')) {
    return refused('SOCKS proxies are not supported; name an http:// or https:// proxy');
  }
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') return refused(`a proxy must look like ${FORMS}`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return refused('a proxy has nothing behind its port; the address of a script begins with pac+');
  }
  const authorization = basic(url);
  if (authorization === null) {
    return refused(
      'the name or password of the proxy is not written right: special characters must be percent-encoded, % as %25',
    );
  }
  const proxy: ProxyServer = {
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    ...(authorization === undefined ? {} : { authorization }),
  };
  return { kind: 'proxy', proxy };
}

/**
 * Reads the setting `network.proxy`.
 *
 * @param text `direct`, the address of a proxy, or that of a script behind `pac+`
 * @returns what it asks for
 * @throws {NetworkError} when it is none of these
 */
export function parseProxySetting(text: string): ProxySetting {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === 'direct') return { kind: 'fixed', route: { kind: 'direct' } };
  if (/^pac\+/i.test(trimmed)) return { kind: 'pac', script: scriptAddress(trimmed.slice(4)) };
  const route = parseProxy(trimmed);
  if (route.kind === 'refused') throw new NetworkError(`network.proxy: ${route.reason}`);
  return { kind: 'fixed', route };
}

/**
 * Hides the name and password in an address that may be shown.
 *
 * @param text a value of `network.proxy`
 * @returns the same with `***` in place of them
 */
export function maskProxy(text: string): string {
  return text.replace(/^([a-z+]+:\/{1,3})?.*@/is, '$1***@');
}

function scriptAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fits =
    url !== undefined &&
    url.username === '' &&
    url.password === '' &&
    // Who can change the script on its way can lead every call to himself.
    (url.protocol === 'https:' ||
      (url.protocol === 'file:' && url.host === '') ||
      (url.protocol === 'http:' && LOOPBACK.test(url.hostname)));
  if (fits) return url;
  throw new NetworkError(
    'network.proxy: the address of a script must begin with pac+https:// or pac+file:///, without a name and password (pac+http:// only on this computer)',
  );
}

function basic({ username, password }: URL): string | null | undefined {
  if (username === '' && password === '') return undefined;
  try {
    const name = decodeURIComponent(username);
    const text = `${name}:${decodeURIComponent(password)}`;
    // RFC 7617 §2: a colon would end the name; control characters are not allowed.
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    if (name.includes(':') || /[\u0000-\u001f\u007f]/.test(text)) return null;
    return `Basic ${Buffer.from(text, 'utf8').toString('base64')}`;
  } catch {
    return null;
  }
}

function refused(reason: string): Route {
  return { kind: 'refused', reason };
}
