import type { IncomingMessage } from 'node:http';
import { WireError } from './errors.ts';

/** How a request's body is delimited; the same framing is used towards the upstream. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

const bad = (detail: string): WireError => new WireError('bad_request', detail);

interface BodyFields {
  readonly length: string | undefined;
  readonly encoding: string | undefined;
}

function bodyFields(raw: readonly string[]): BodyFields {
  let length: string | undefined;
  let encoding: string | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string;
    // Only fields of these two lengths can be the ones sought: it spares lower-casing the rest.
    if (name.length !== 14 && name.length !== 17) continue;
    const lower = name.toLowerCase();
    if (lower === 'content-length') {
      if (length !== undefined) throw bad('The request has two Content-Length fields.');
      length = raw[at + 1];
    } else if (lower === 'transfer-encoding') {
      if (encoding !== undefined) throw bad('The request has two Transfer-Encoding fields.');
      encoding = raw[at + 1];
    }
  }
  return { length, encoding };
}

/**
 * Reads how the body is framed, and refuses what node:http lets pass but other servers read otherwise.
 *
 * @param request the message as node:http parsed it
 * @returns the framing
 * @throws {WireError} `bad_request`; the connection must be closed after it
 * @see RFC 9112 §6.1, §6.3
 */
export function readFraming(request: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>): Framing {
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
    throw bad('Only HTTP/1.0 and HTTP/1.1 are spoken here.');
  }
  const { length, encoding } = bodyFields(request.rawHeaders);
  if (encoding !== undefined) {
    if (length !== undefined) throw bad('Send Content-Length or Transfer-Encoding, not both.');
    if (encoding.toLowerCase() !== 'chunked') throw bad('Transfer-Encoding may only be chunked.');
    // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
    if (request.httpVersion === '1.0') throw bad('HTTP/1.0 knows no Transfer-Encoding.');
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: 'none' };
  if (!/^[0-9]{1,15}$/.test(length)) throw bad('Content-Length must be one decimal number.');
  return { kind: 'length', bytes: Number(length) };
}

/**
 * Reads the framing of a request that asks for another protocol. Its body would have to end before
 * the switch, and servers differ on whether it does: what passes for a body here may be a request there.
 *
 * @param request the message as node:http parsed it
 * @returns that there is no body
 * @throws {WireError} `bad_request`
 * @see RFC 9110 §7.8, RFC 6455 §4.1
 */
export function readUpgradeFraming(
  request: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>,
): Framing {
  const framing = readFraming(request);
  if (framing.kind === 'chunked' || (framing.kind === 'length' && framing.bytes > 0))
    throw bad('A request for another protocol may not have a body.');
  return { kind: 'none' };
}
