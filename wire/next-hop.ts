import http from 'node:http';
import https from 'node:https';
import type { HeaderList } from './headers.ts';

/** Where a request goes next. */
export interface NextHop {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  readonly port: number;
  readonly agent: http.Agent;
}

/**
 * Opens the request towards the next hop; nothing is sent before the first write.
 *
 * @param plan the request to send
 * @param agent the pool to take a connection from
 * @returns node's request
 */
export function openRequest(
  plan: {
    readonly hop: NextHop;
    readonly method: string;
    readonly path: string;
    readonly headers: HeaderList;
  },
  agent: http.Agent | false,
): http.ClientRequest {
  const { protocol, hostname, port } = plan.hop;
  const options: https.RequestOptions = {
    protocol,
    hostname,
    port,
    method: plan.method,
    path: plan.path,
    headers: plan.headers,
    agent,
  };
  return protocol === 'https:' ? https.request(options) : http.request(options);
}
