import type { Opened } from './opened.ts';
import type { Authority } from './tokens.ts';

/** One of the programs that are compared, running. */
export interface Peer {
  readonly name: string;
  readonly url: URL;
  /** Its first process; 0 for the upstream itself. */
  readonly pid: number;
  /** Further programs that it cannot do without. */
  readonly helpers?: readonly number[];
  /** Whether it gets faster with use, and so must be warmed. */
  readonly isJit: boolean;
  /** What it refuses: nothing, bad tokens by 401 or 403, or bad tokens by exactly the right status. */
  readonly refuses: 'nothing' | 'bad tokens' | 'by the letter';
  /** DevTools protocol, where the program was started with it. */
  readonly inspectorUrl?: string;
}

/** What a peer is to be started for. */
export interface Setting {
  /** `http://127.0.0.1:PORT` */
  readonly upstream: string;
  readonly authority: Authority;
  /** How many APIs the relay serves. */
  readonly apis: number;
  /** Whether the relay is to be looked into. */
  readonly inspect: boolean;
}

/** Starts a peer; what it opens is closed with `opened`. */
export type StartPeer = (opened: Opened, setting: Setting) => Promise<Peer>;

/** Where the n-th API of every peer is; most peers pass any path on. */
export const apiPath = (index: number): string => `/api-${index}`;

/**
 * Writes a request for a connection of our own.
 *
 * @param peer whom it is for
 * @param start method and target: `GET /api-0/json`
 * @param headers further field lines
 * @returns the request's head
 */
export function requestHead(peer: Peer, start: string, headers: readonly string[]): string {
  const lines = [
    `${start} HTTP/1.1`,
    `Host: ${peer.url.host}`,
    'User-Agent: latchkey-bench',
    'Accept: application/json',
    'Accept-Language: en',
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
