import { userInfo } from 'node:os';

/**
 * Names who runs this process, for the record of what it did.
 *
 * @returns the account of the computer; by its number where that has no name, as in a container
 */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
