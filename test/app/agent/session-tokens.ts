import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';

/** Bearer tokens of alice, renewable, for five minutes. */
export function makeTokens(accessToken: string, obtainedAtMs: number): TokenSet {
  return {
    accessToken,
    refreshToken: `refresh-of-${accessToken}`,
    obtainedAtMs,
    expiresAtMs: obtainedAtMs + 300_000,
    issuer: 'https://idp.example',
    clientId: 'c',
    resource: 'https://relay.example',
    tokenType: 'bearer',
    identity: { subject: 'alice' },
  };
}
