import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { KeyPair } from './tls.ts';

/** Finds the certificate for the name that a client asks for. */
export type ContextByName = (name: string) => SecureContext | undefined;

function namesOf(cert: Buffer): readonly string[] {
  const names = new X509Certificate(cert).subjectAltName ?? '';
  return names
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice(4).toLowerCase());
}

/**
 * Prepares further certificates by the names that stand in them.
 *
 * @param pairs certificates with their keys, known to belong together
 * @param options what all of them have in common
 * @returns the look-up: the exact name first, then `*` in place of its first label
 * @see RFC 6066 §3, RFC 9525 §6.3
 */
export function contextsByName(
  pairs: readonly KeyPair[],
  options: SecureContextOptions,
): ContextByName {
  const contexts = new Map<string, SecureContext>();
  for (const { cert, key } of pairs) {
    const context = createSecureContext({ ...options, cert, key });
    for (const name of namesOf(cert)) if (!contexts.has(name)) contexts.set(name, context);
  }
  return (asked) => {
    const name = asked.toLowerCase();
    return contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*'));
  };
}
