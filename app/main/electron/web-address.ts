import { AgentError } from '../agent/errors.ts';

/**
 * Lets through what a browser may be handed: http and https, without user information.
 *
 * @param text an address from the relay, the identity provider or the page
 * @returns the address, normalised
 * @throws {AgentError} `bad_usage`
 */
export function webAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new AgentError('bad_usage', 'Only http and https pages are opened in the browser.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new AgentError('bad_usage', 'An address that carries a name or password is not opened.');
  }
  return url.href;
}
