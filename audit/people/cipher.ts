import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Whose data it is: one account at one issuer. */
export interface Person {
  /** Empty where the writer knows none. */
  readonly issuer: string;
  readonly user: string;
}

/**
 * Encrypts a text with AES-256-GCM.
 *
 * @param key 32 bytes
 * @param text what to keep secret
 * @param context must be given again to open it, so that no text passes for another's
 * @returns nonce, ciphertext and tag
 * @see NIST SP 800-38D
 */
export function encrypt(key: Buffer, text: string, context: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, iv);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Opens what {@link encrypt} made.
 *
 * @param key as then
 * @param sealed nonce, ciphertext and tag
 * @param context as then
 * @returns the text; `undefined` when key or context are others, or a byte was changed
 */
export function decrypt(key: Buffer, sealed: Buffer, context: string): string | undefined {
  if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8');
    return text + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

/**
 * The pseudonym that stands in a person's records. It commits to person and key: nobody can pass another
 * person or key for the one it was made of, and without the key it tells nothing, not even to who guesses.
 *
 * @param key the person's random key
 * @param person who it is
 * @returns 22 characters of base64url, 128 bits
 */
export function pseudonym(key: Buffer, { issuer, user }: Person): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([issuer, user]))
    .digest()
    .subarray(0, 16)
    .toString('base64url');
}
