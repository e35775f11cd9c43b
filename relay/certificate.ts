import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP, type BlockList, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { plainAddress } from '../wire/forwarded.ts';
import { fieldValues } from '../wire/headers.ts';

/** Whose word on certificates is believed, and in which field. */
export interface CertificateSource {
  readonly trustedProxies: BlockList | undefined;
  readonly config: { readonly clientCertificateHeader?: string };
}

/** What one connection showed last: its own certificate, or a field that a proxy sent. */
interface Seen {
  readonly field: string | undefined;
  readonly thumbprint: string | undefined;
}

const maxFieldLength = 16 * 1024;
const pem = /^\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;
const seen = new WeakMap<Socket, Seen>();

function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

function fromConnection(socket: Socket): string | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate && thumbprintOf(certificate.raw);
}

/** `:base64:` of RFC 9440 §2.1, or the URL-encoded PEM that widespread proxies send; one certificate. */
function fromField(value: string): string | undefined {
  if (value.length > maxFieldLength) return undefined;
  const [, base64] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value) ?? [];
  try {
    if (base64 === undefined) {
      const text = decodeURIComponent(value);
      return pem.test(text) ? thumbprintOf(new X509Certificate(text).raw) : undefined;
    }
    const der = Buffer.from(base64, 'base64');
    // What the parser skips at the end would be in the proxy's thumbprint, and not in ours.
    return new X509Certificate(der).raw.equals(der) ? thumbprintOf(der) : undefined;
  } catch {
    return undefined;
  }
}

function isTrusted(peer: string, trusted: BlockList | undefined): boolean {
  const family = isIP(peer);
  return family !== 0 && trusted?.check(peer, family === 6 ? 'ipv6' : 'ipv4') === true;
}

/**
 * Reads the certificate that a client proved to hold. From a trusted proxy only what it passes on
 * counts: the connection's own certificate would be the proxy's. From anybody else only the
 * connection counts. A connection is read once, and again only when the field changes.
 *
 * @param request as received
 * @param source whose word is believed, and in which field
 * @returns base64url SHA-256 of the certificate's DER; undefined when none was shown, several, or a malformed one
 * @see RFC 8705 §3.1, RFC 9440
 */
export function readCertificate(
  request: Pick<IncomingMessage, 'rawHeaders' | 'socket'>,
  source: CertificateSource,
): string | undefined {
  const { socket, rawHeaders } = request;
  const name = source.config.clientCertificateHeader;
  const byProxy =
    name !== undefined && isTrusted(plainAddress(socket.remoteAddress), source.trustedProxies);
  const values = byProxy ? fieldValues(rawHeaders, name) : [];
  const field = byProxy ? (values.length === 1 ? (values[0] as string) : '') : undefined;
  const last = seen.get(socket);
  if (last !== undefined && last.field === field) return last.thumbprint;
  const thumbprint = field === undefined ? fromConnection(socket) : fromField(field);
  seen.set(socket, { field, thumbprint });
  return thumbprint;
}
