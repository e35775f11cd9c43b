import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv6, type BlockList, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { plainAddress } from '../wire/forwarded.ts';
import { fieldValues } from '../wire/headers.ts';

/** Whose word on certificates is believed, and in which field. */
export interface CertificateSource {
  readonly trustedProxies: BlockList | undefined;
  readonly config: { readonly clientCertificateHeader?: string };
}

const maxFieldLength = 16 * 1024;
/** A connection shows one certificate, at its handshake. */
const ofSocket = new WeakMap<Socket, string | false>();

function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

function fromConnection(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = ofSocket.get(socket);
  if (known !== undefined) return known === false ? undefined : known;
  const certificate = socket.getPeerX509Certificate();
  const thumbprint = certificate && thumbprintOf(certificate.raw);
  ofSocket.set(socket, thumbprint ?? false);
  return thumbprint;
}

/** `:base64:` of RFC 9440 §2.1, or the URL-encoded PEM that widespread proxies send. */
function derOf(value: string): Uint8Array | undefined {
  try {
    const [, base64] = /^:([A-Za-z0-9+/]+=*):$/.exec(value) ?? [];
    const source = base64 === undefined ? decodeURIComponent(value) : Buffer.from(base64, 'base64');
    return new X509Certificate(source).raw;
  } catch {
    return undefined;
  }
}

function fromProxy(request: IncomingMessage, source: CertificateSource): string | undefined {
  const name = source.config.clientCertificateHeader;
  const peer = plainAddress(request.socket.remoteAddress);
  if (name === undefined || !source.trustedProxies?.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4'))
    return undefined;
  const values = fieldValues(request.rawHeaders, name);
  const value = values.length === 1 ? (values[0] as string) : '';
  const der = value === '' || value.length > maxFieldLength ? undefined : derOf(value);
  return der && thumbprintOf(der);
}

/**
 * Reads the certificate that a client proved to hold: from the TLS connection, or as a trusted
 * proxy passed it on.
 *
 * @param request as received
 * @param source whose word is believed, and in which field
 * @returns base64url SHA-256 of the certificate's DER; undefined when none was shown
 * @see RFC 8705 §3.1, RFC 9440
 */
export function readCertificate(
  request: IncomingMessage,
  source: CertificateSource,
): string | undefined {
  return fromConnection(request.socket) ?? fromProxy(request, source);
}
