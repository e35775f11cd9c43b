// Node turns one form into the other as well (`dsaEncoding`), but that takes as long again as the signature.

const INTEGER = 0x02;
const SEQUENCE = 0x30;

/** Content octets of an INTEGER: no leading zeros but one that keeps the number positive (X.690 §8.3). */
function contentStart(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to - 1 && bytes[at] === 0) at += 1;
  return at;
}

/**
 * Turns a JWS ECDSA signature into what crypto libraries verify.
 *
 * @param raw R and S side by side, each as long as the curve's order
 * @returns the DER form
 * @see RFC 7518 §3.4, RFC 3279 §2.2.3
 */
export function ecdsaToDer(raw: Uint8Array): Buffer {
  const half = raw.length / 2;
  const r = contentStart(raw, 0, half);
  const s = contentStart(raw, half, raw.length);
  const padR = (raw[r] as number) >> 7;
  const padS = (raw[s] as number) >> 7;
  const lengthR = half - r + padR;
  const lengthS = raw.length - s + padS;
  const content = 4 + lengthR + lengthS;
  const der = Buffer.alloc((content > 127 ? 3 : 2) + content);
  let at = 0;
  der[at++] = SEQUENCE;
  if (content > 127) der[at++] = 0x81;
  der[at++] = content;
  der[at++] = INTEGER;
  der[at++] = lengthR;
  der.set(raw.subarray(r, half), at + padR);
  at += lengthR;
  der[at++] = INTEGER;
  der[at++] = lengthS;
  der.set(raw.subarray(s), at + padS);
  return der;
}

/**
 * Turns an ECDSA signature that was just made into the form of JWS.
 *
 * @param der the DER form, from a library of our own: it is not checked
 * @param half how many bytes R and S have each: 32 for P-256
 * @returns R and S side by side
 * @see RFC 7518 §3.4
 */
export function ecdsaFromDer(der: Uint8Array, half: number): Buffer {
  const raw = Buffer.alloc(2 * half);
  let at = (der[1] as number) > 127 ? 3 : 2;
  for (const end of [half, 2 * half]) {
    const length = der[at + 1] as number;
    const from = at + 2;
    at = from + length;
    const kept = Math.min(length, half);
    raw.set(der.subarray(at - kept, at), end - kept);
  }
  return raw;
}
