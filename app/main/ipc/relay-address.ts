import { AgentError } from '../agent/errors.ts';

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Reads a relay's address as a person types it: a missing `https://` is added, a trailing slash dropped.
 *
 * @param text what was typed
 * @returns the origin, as settings keep it
 * @throws {AgentError} `bad_usage`, saying what an address looks like
 */
export function relayAddress(text: string): string {
  const typed = text.trim();
  const url = parse(/^[a-z][a-z0-9+.-]*:\/\//iu.test(typed) ? typed : `https://${typed}`);
  if (url === undefined || url.hostname === '') {
    throw refused('This is not an address. It looks like https://relay.example.com.');
  }
  if (url.protocol === 'http:' && !loopback.has(url.hostname)) {
    throw refused(
      'The relay must be reached over https, or your sign-in could be read on the way.',
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refused(`A relay is reached over https, not ${url.protocol.slice(0, -1)}.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('Leave the name and password out of the address; you sign in with the browser.');
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw refused(`Leave out what follows the host: ${url.origin} is enough.`);
  }
  return url.origin;
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

const refused = (message: string): AgentError => new AgentError('bad_usage', message);
