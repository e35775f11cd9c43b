import type { HeaderList } from '../../../wire/headers.ts';
import type { UpstreamCredentials } from '../../config/api-config.ts';

/**
 * Makes the fields that are the same with each request; nothing is left to do per request.
 *
 * @param credentials what the API is shown, if anything
 * @returns names and values in turn; empty where the fields depend on the request, or on TLS
 * @see RFC 7617 §2, RFC 6750 §2.1
 */
export function constantFields(credentials: UpstreamCredentials | undefined): HeaderList {
  switch (credentials?.kind) {
    case 'basic': {
      const pair = Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8');
      return ['Authorization', `Basic ${pair.toString('base64')}`];
    }
    case 'bearer':
      return ['Authorization', `Bearer ${credentials.token}`];
    case 'header':
      return [credentials.name, credentials.value];
    default:
      return [];
  }
}
