import type { Socket } from 'node:net';
import { BULK_PATH, JSON_PATH } from './exchange.ts';

/** One of the programs that are compared, running. */
export interface Peer {
  readonly name: string;
  readonly url: URL;
  /** What the origin's paths are prefixed with. */
  readonly prefix: string;
  /** The token to send with each request; none where the peer adds its own. */
  readonly token?: string;
  /** The processes between the generator and the origin. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** Requests that must not reach the origin, and their status. */
  readonly refusals: readonly Refusal[];
}

/** A request that a peer must refuse. */
export interface Refusal {
  readonly what: string;
  readonly headers: readonly string[];
  readonly status: number;
}

function head(peer: Peer, start: string, headers: readonly string[]): string {
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

const authorization = (peer: Peer): readonly string[] =>
  peer.token === undefined ? [] : [`Authorization: Bearer ${peer.token}`];

/**
 * Writes down the GET for the short JSON.
 *
 * @param peer whom it is for
 * @param headers in place of the peer's own credentials
 * @returns the request's bytes
 */
export function jsonRequest(peer: Peer, headers = authorization(peer)): Buffer {
  return Buffer.from(head(peer, `GET ${peer.prefix}${JSON_PATH}`, headers), 'latin1');
}

/**
 * Asks a peer for a large body.
 *
 * @param peer whom to ask
 * @param bytes how many
 * @returns a function that writes the request
 */
export function downloadRequest(peer: Peer, bytes: number): (socket: Socket) => void {
  const start = `GET ${peer.prefix}${BULK_PATH}?n=${bytes}`;
  return (socket) => void socket.write(head(peer, start, authorization(peer)));
}

/**
 * Sends a large body to a peer, as fast as it takes it.
 *
 * @param peer whom to send it to
 * @param bytes how many
 * @returns a function that writes the request
 */
export function uploadRequest(peer: Peer, bytes: number): (socket: Socket) => void {
  const block = Buffer.alloc(64 * 1024, 'latchkey ');
  const headers = [...authorization(peer), `Content-Length: ${bytes}`];
  return (socket) => {
    let left = bytes;
    const fill = (): void => {
      let room = true;
      while (room && left > 0) {
        const chunk = left < block.length ? block.subarray(0, left) : block;
        left -= chunk.length;
        room = socket.write(chunk);
      }
    };
    socket.on('drain', fill);
    socket.write(head(peer, `PUT ${peer.prefix}${BULK_PATH}`, headers));
    fill();
  };
}
