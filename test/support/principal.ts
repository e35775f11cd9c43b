import type { Principal } from '../../relay/auth/principal.ts';

/** A person without any right; members given replace the defaults. */
export function principal(members: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://idp.example.com',
    subject: 'u1',
    user: 'u1',
    scopes: [],
    roles: [],
    groups: [],
    claims: {},
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    acceptedUntilMs: Number.MAX_SAFE_INTEGER,
    tokenId: 'test',
    binding: 'none',
    ...members,
  };
}
