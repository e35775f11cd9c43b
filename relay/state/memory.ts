import { randomBytes } from 'node:crypto';
import type { Revocation, SharedState } from './shared-state.ts';

/**
 * Keeps in this process what relays share; for one relay, and for tests.
 *
 * @param now the clock, epoch ms
 * @returns empty state
 */
export function createMemoryState(now: () => number): SharedState {
  const used = new Map<string, number>();
  const revoked: Revocation[] = [];
  const listeners = new Set<() => void>();
  const secrets = new Map<string, Buffer>();
  return {
    once(key, expiresAtMs) {
      const isNew = (used.get(key) ?? 0) <= now();
      if (isNew) used.set(key, expiresAtMs);
      return Promise.resolve(isNew);
    },
    revoke(revocation) {
      revoked.unshift(revocation);
      listeners.forEach((listener) => listener());
      return Promise.resolve();
    },
    isRevoked: (token) =>
      revoked.some(
        ({ issuer, kind, value, revokedAtMs }) =>
          issuer === token.issuer &&
          { jti: token.jti, sid: token.sid, sub: token.subject }[kind] === value &&
          (kind === 'jti' || (token.issuedAtMs ?? 0) <= revokedAtMs),
      ),
    revocations: () => revoked,
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    secret(name) {
      const secret = secrets.get(name) ?? randomBytes(32);
      secrets.set(name, secret);
      return Promise.resolve(secret);
    },
    health: () => ({ ok: true }),
    close: () => Promise.resolve(),
  };
}
