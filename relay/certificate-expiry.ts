import { X509Certificate } from 'node:crypto';
import type { KeyPair } from './tls.ts';

/** Until when a certificate of the listener serves. */
export interface CertificateExpiry {
  /** The first name that it is for. */
  readonly name: string;
  readonly expiresAtMs: number;
}

function nameOf({ subjectAltName, subject }: X509Certificate): string {
  const [, name] = /(?:DNS|IP Address):([^,\s]+)/.exec(subjectAltName ?? '') ?? [];
  const [, common] = /^CN=(.+)$/m.exec(subject) ?? [];
  return name ?? common ?? 'unnamed';
}

/**
 * Reads until when the listener's certificates serve: each one's own, not those of its chain.
 *
 * @param pair what the listener shows; undefined without TLS
 * @returns one entry a certificate
 */
export function certificateExpiries(pair: KeyPair | undefined): readonly CertificateExpiry[] {
  if (pair === undefined) return [];
  return [pair, ...(pair.additional ?? [])].map(({ cert }) => {
    const certificate = new X509Certificate(cert);
    return { name: nameOf(certificate), expiresAtMs: Date.parse(certificate.validTo) };
  });
}
