import type { Framing } from '../../../wire/framing.ts';
import type { HeaderList } from '../../../wire/headers.ts';
import type { ApiConfig } from '../../config/api-config.ts';
import { createAwsSigner } from './aws-sig-v4.ts';
import type { TokenSources } from './token-sources.ts';

/** A request as the API will get it, but for what it is to be shown. */
export interface Sent {
  readonly method: string;
  /** Path and query, exactly as sent. */
  readonly path: string;
  readonly headers: HeaderList;
  /** What the client sent: what of it may count is the credential's to judge. */
  readonly received: HeaderList;
  readonly framing: Framing;
}

/** Whose request it is. */
export interface Caller {
  /** Their access token; read only where it is exchanged. */
  readonly token: () => string;
  /** When it ends, epoch ms. */
  readonly expiresAtMs: number;
}

/** What a request is shown with. */
export interface Shown {
  readonly fields: HeaderList;
  /** Tells that the API answered 401 to it. */
  readonly refused?: () => void;
}

/** What an API is shown in place of the caller's token, where that is not the same each time. */
export interface Credentials {
  /**
   * @param sent the request
   * @param caller whose it is
   * @returns the fields to add; a promise only while a token is fetched
   * @throws {no_upstream} the relay cannot get a token of its own at the moment
   * @throws {denied} the caller's token is not exchanged
   * @throws {bad_request} the request cannot be signed
   */
  show(sent: Sent, caller: Caller): Shown | Promise<Shown>;
}

/** What credentials work with. */
export interface CredentialsDeps {
  readonly tokens: Pick<TokenSources, 'of'>;
  /** Epoch ms. */
  readonly now: () => number;
}

/**
 * Prepares what an API is shown where it depends on the request, or changes with time. Constant
 * fields are `constantFields`, a client certificate belongs to the connections.
 *
 * @param api the API as configured
 * @param deps where tokens come from, and the clock
 * @returns the credentials; undefined where a request needs nothing of them
 * @throws {Error} the tool's own Authorization is to be passed as well
 */
export function createCredentials(api: ApiConfig, deps: CredentialsDeps): Credentials | undefined {
  const { credentials, passAuthorization } = api.request;
  switch (credentials?.kind) {
    case 'awsSigV4':
    case 'clientCredentials':
    case 'tokenExchange':
      break;
    default:
      return undefined;
  }
  // Which of two Authorization fields an API reads would be left to chance.
  if (passAuthorization)
    throw new Error(
      `apis.${api.name}.request.passAuthorization conflicts with credentials; keep one`,
    );
  if (credentials.kind === 'awsSigV4') return createAwsSigner(credentials, deps.now);
  const source = deps.tokens.of(credentials);
  return { show: (_sent, caller) => source.token(caller) };
}
