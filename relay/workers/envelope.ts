import { deserialize, serialize } from 'node:v8';

/**
 * Seals a value that is more than JSON: configurations have absent members, and certificates bytes.
 *
 * @param value anything that can be cloned
 * @returns base64
 */
export function seal(value: unknown): string {
  return serialize(value).toString('base64');
}

/**
 * Opens what {@link seal} sealed, in a process that runs the same code.
 *
 * @param sealed base64
 * @returns the value
 */
export function unseal(sealed: string): unknown {
  return deserialize(Buffer.from(sealed, 'base64'));
}
