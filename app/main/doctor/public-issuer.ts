import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

/**
 * Tells whether a certificate was issued, at the top of its chain, by an authority that browsers know.
 *
 * @param top the last certificate of a chain
 * @returns false for a company's own authority and for proxies that look into TLS
 */
export function isPubliclyIssued(top: X509Certificate): boolean {
  return rootCertificates.some((pem) => new X509Certificate(pem).subject === top.issuer);
}
