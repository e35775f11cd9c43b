import type { IncomingMessage } from 'node:http';
import type { Runtime } from './runtime.ts';

/**
 * Reads the certificate that a client proved to hold: from the TLS connection, or as a trusted
 * proxy passed it on.
 *
 * @param request as received
 * @param runtime whose word is believed, and in which field
 * @returns base64url SHA-256 of the certificate's DER; undefined when none was shown
 * @see RFC 8705 §3.1, RFC 9440
 */
export function readCertificate(request: IncomingMessage, runtime: Runtime): string | undefined {
  void request;
  void runtime;
  return undefined;
}
