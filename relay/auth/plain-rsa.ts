import { createPrivateKey, type KeyObject } from 'node:crypto';

/** Where an element's content is (X.690 §8.1). */
function contentAt(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = der.readUInt8(at + 1);
  const more = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + more;
  return { start, end: start + (more === 0 ? first : der.readUIntBE(at + 2, more)) };
}

/**
 * Makes a general RSA key of one that is marked for PSS only (id-RSASSA-PSS): Web Cryptography takes no other.
 *
 * @param key a private key of the type `rsa-pss`
 * @returns the same key, of the type `rsa`
 * @see RFC 4055 §1.2, RFC 5958 §2, RFC 8017 A.1.2
 */
export function plainRsa(key: KeyObject): KeyObject {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const version = contentAt(der, contentAt(der, 0).start);
  const algorithm = contentAt(der, version.end);
  const inner = contentAt(der, algorithm.end);
  const pkcs1 = der.subarray(inner.start, inner.end);
  return createPrivateKey({ key: pkcs1, type: 'pkcs1', format: 'der' });
}
