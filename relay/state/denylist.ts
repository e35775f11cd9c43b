import { concerns } from './entry.ts';
import type { Revocable, Revocation } from './shared-state.ts';

/** Revocations, indexed so that asking costs a few map look-ups however many there are. */
export interface Denylist {
  /** Adds one; `known` when nothing changed, `full` when there is no room for it. */
  readonly add: (revocation: Revocation) => 'added' | 'known' | 'full';
  readonly isRevoked: (token: Revocable) => boolean;
  /** All of them, newest first. */
  readonly list: () => readonly Revocation[];
  /** Drops those whose time is over. */
  readonly forget: (nowMs: number) => void;
  readonly size: () => number;
}

/** Of one issuer: its revocations by what they name. */
type Index = Readonly<Record<Revocation['kind'], Map<string, Revocation>>>;

const emptyIndex = (): Index => ({
  jti: new Map(),
  sid: new Map(),
  sub: new Map(),
  sub_without_sid: new Map(),
});

function holds(revocation: Revocation | undefined, token: Revocable): boolean {
  return revocation !== undefined && concerns(revocation, token);
}

/**
 * Makes an empty denylist.
 *
 * @param capacity how many revocations at most
 * @returns the denylist
 */
export function createDenylist(capacity = 1_000_000): Denylist {
  const byIssuer = new Map<string, Index>();
  let size = 0;

  function indexOf(issuer: string): Index {
    const index = byIssuer.get(issuer) ?? emptyIndex();
    byIssuer.set(issuer, index);
    return index;
  }

  function* maps(): Generator<Map<string, Revocation>> {
    for (const index of byIssuer.values()) yield* Object.values(index);
  }

  return {
    add(revocation) {
      const entries = indexOf(revocation.issuer)[revocation.kind];
      const before = entries.get(revocation.value);
      if (before === undefined) {
        if (size >= capacity) return 'full';
        size += 1;
        entries.set(revocation.value, revocation);
        return 'added';
      }
      const revokedAtMs = Math.max(before.revokedAtMs, revocation.revokedAtMs);
      const expiresAtMs = Math.max(before.expiresAtMs, revocation.expiresAtMs);
      if (before.revokedAtMs === revokedAtMs && before.expiresAtMs === expiresAtMs) return 'known';
      entries.set(revocation.value, { ...before, revokedAtMs, expiresAtMs });
      return 'added';
    },
    isRevoked(token) {
      if (size === 0) return false;
      const index = byIssuer.get(token.issuer);
      if (index === undefined) return false;
      const { jti, sid, subject } = token;
      return (
        (jti !== undefined && index.jti.has(jti)) ||
        holds(sid === undefined ? index.sub_without_sid.get(subject) : index.sid.get(sid), token) ||
        holds(index.sub.get(subject), token)
      );
    },
    list: () =>
      [...maps()]
        .flatMap((entries) => [...entries.values()])
        .sort((one, other) => other.revokedAtMs - one.revokedAtMs),
    forget(nowMs) {
      for (const entries of maps())
        for (const [value, { expiresAtMs }] of entries)
          if (expiresAtMs <= nowMs) {
            entries.delete(value);
            size -= 1;
          }
    },
    size: () => size,
  };
}
