/** A proxy that connections can be led through. */
export interface ProxyServer {
  /** TLS to the proxy itself. */
  readonly secure: boolean;
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`; a secret. */
  readonly authorization?: string;
}

/** One way to a server; `refused` says why there is none. */
export type Route =
  | { readonly kind: 'direct' }
  | { readonly kind: 'proxy'; readonly proxy: ProxyServer }
  | { readonly kind: 'refused'; readonly reason: string };

/** No proxy. */
export const direct: Route = { kind: 'direct' };

/**
 * Names a proxy for people, without its password.
 *
 * @param proxy the proxy
 * @returns such as `http://proxy.example.com:3128`
 */
export function proxyName(proxy: ProxyServer): string {
  const host = proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host;
  return `${proxy.secure ? 'https' : 'http'}://${host}:${proxy.port}`;
}

/**
 * Names a route, so that two can be compared.
 *
 * @param route the route
 * @returns `direct`, the proxy's name, or why it is refused
 */
export function routeName(route: Route): string {
  return route.kind === 'proxy'
    ? proxyName(route.proxy)
    : route.kind === 'direct'
      ? 'direct'
      : `refused: ${route.reason}`;
}
