import { session } from 'electron';

/**
 * Asks the system which proxy an address goes through, a script (PAC) of the system's included.
 *
 * @param url the address
 * @returns entries as a script gives them: `PROXY a:3128; DIRECT`
 */
export function resolveSystemProxy(url: string): Promise<string> {
  return session.defaultSession.resolveProxy(url);
}
