import type * as client from 'openid-client';
import type { TokenSet } from '../session/token-set.ts';
import type { ProviderProof } from './dpop.ts';
import type { Party } from './provider-discovery.ts';

/** What a token endpoint answers. */
export type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

/** What is known already of the tokens that were asked for. */
export type Grant = Party & Pick<TokenSet, 'resource'> & Partial<TokenSet>;

const defaultLifeSeconds = 3600;
/** More is a mistake, and nothing that can be counted with or told to people. */
const longestLifeSeconds = 31_536_000;

/**
 * Reads a token endpoint's answer; what it leaves out stays as it was.
 *
 * @param answer checked by the library
 * @param grant what is known already
 * @param nowMs epoch ms
 * @param proof what was shown with the request
 * @returns the tokens
 * @throws {Error} when the kind of token or the person is another one
 * @see RFC 6749 §5.1 and §6
 */
export function tokenSet(
  answer: Answer,
  grant: Grant,
  nowMs: number,
  proof: ProviderProof | undefined,
): TokenSet {
  const isBound = answer.token_type === 'dpop' && proof !== undefined;
  if (!isBound && answer.token_type !== 'bearer')
    throw new Error('token_type is neither Bearer nor the DPoP that was asked for');
  const claims = answer.claims();
  const identity = claims
    ? { subject: claims.sub, name: text(claims['name']), email: text(claims['email']) }
    : grant.identity;
  if (grant.identity && identity?.subject !== grant.identity.subject) {
    // OpenID Connect Core §12.2: a refresh must not change the person.
    throw new Error('the answer is about another person');
  }
  const lifeSeconds = Math.min(answer.expires_in ?? defaultLifeSeconds, longestLifeSeconds);
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? grant.refreshToken,
    identity,
    obtainedAtMs: nowMs,
    expiresAtMs: nowMs + lifeSeconds * 1000,
    scope: answer.scope ?? grant.scope,
    issuer: grant.issuer,
    clientId: grant.clientId,
    resource: grant.resource,
    ...(grant.endpoints && { endpoints: grant.endpoints }),
    tokenType: isBound ? 'dpop' : 'bearer',
    // RFC 9449 §5: a public client's refresh token is bound even where the access token is not.
    ...(proof && { dpopKey: proof.key }),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}
