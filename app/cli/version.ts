import { readFileSync } from 'node:fs';

/**
 * Tells the version of this command.
 *
 * @returns as in package.json
 */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
