import type { Catalog } from './catalog.ts';
import type { SessionState } from './session/session.ts';
import type { TokenSet } from './session/token-set.ts';
import type {
  AgentSnapshot,
  AgentStatus,
  ApiInfo,
  Fault,
  ProfileSnapshot,
  SignedInUser,
} from './status.ts';

/** The facts that a snapshot is made of. */
export interface SnapshotParts {
  readonly name: string;
  readonly title: string;
  readonly session: SessionState;
  readonly isAttempting: boolean;
  /** The page of the attempt, once it is known. */
  readonly signInUrl: string | undefined;
  readonly isRelayReachable: boolean;
  readonly catalog: Catalog | undefined;
  readonly relay: URL | undefined;
  /** Where the relay's paths begin at the local port. */
  readonly localUrl: string | undefined;
  /** Where APIs are that have a port of their own, by their names; another map when they change. */
  readonly ownUrls: ReadonlyMap<string, string>;
  readonly fault: Fault | undefined;
  readonly store: ProfileSnapshot['store'];
}

/**
 * Prepares snapshots: each request looks at some, so that one is put together only when it is another.
 *
 * @returns puts together what the outside may know; no secret is in it
 */
export function createSnapshots(): (parts: SnapshotParts) => ProfileSnapshot {
  let of: SnapshotParts | undefined;
  let apis: readonly ApiInfo[] = [];
  let last: ProfileSnapshot | undefined;
  return (parts) => {
    if (last !== undefined && of !== undefined && isSame(of, parts)) return last;
    if (of === undefined || !areApisSame(of, parts)) apis = apisOf(parts);
    of = parts;
    last = buildSnapshot(parts, apis);
    return last;
  };
}

function apisOf({ catalog, localUrl = '', ownUrls }: SnapshotParts): readonly ApiInfo[] {
  return (catalog?.apis ?? []).map((api) => {
    const ownUrl = ownUrls.get(api.name);
    return Object.assign(
      { localUrl: localUrl + api.path, ...(ownUrl === undefined ? {} : { ownUrl }) },
      api,
    );
  });
}

function areApisSame(one: SnapshotParts, other: SnapshotParts): boolean {
  return (
    one.catalog === other.catalog &&
    one.localUrl === other.localUrl &&
    one.ownUrls === other.ownUrls
  );
}

/** What never changes is left out. */
function isSame(one: SnapshotParts, other: SnapshotParts): boolean {
  return (
    one.session === other.session &&
    one.isAttempting === other.isAttempting &&
    one.signInUrl === other.signInUrl &&
    one.isRelayReachable === other.isRelayReachable &&
    areApisSame(one, other) &&
    one.fault === other.fault
  );
}

function buildSnapshot(parts: SnapshotParts, apis: readonly ApiInfo[]): ProfileSnapshot {
  const { catalog, relay, localUrl, signInUrl, fault } = parts;
  const tokens = heldTokens(parts.session);
  const user = userOf(catalog, tokens);
  return {
    name: parts.name,
    title: parts.title,
    status: statusOf(parts),
    ...(user && { user }),
    ...(relay && { relay: relay.origin }),
    ...(localUrl && { localUrl }),
    apis,
    ...(signInUrl && { signInUrl }),
    ...(fault && { fault }),
    store: parts.store,
    ...(tokens && { expiresAtMs: tokens.expiresAtMs }),
  };
}

/** The relay's word goes first: it is what policy and audit use. */
function userOf(
  catalog: Catalog | undefined,
  tokens: TokenSet | undefined,
): SignedInUser | undefined {
  const sources = [catalog?.user, tokens?.identity];
  const first = (key: 'subject' | 'name' | 'email'): string | undefined =>
    sources.map((source) => source?.[key]).find((value) => value);
  const [subject, name, email] = [first('subject'), first('name'), first('email')];
  return subject ? { subject, ...(name && { name }), ...(email && { email }) } : undefined;
}

/**
 * Puts the agent's snapshot together: the first profile, as if there were no other, and all of them where
 * there are several.
 *
 * @param profiles at least one, in their order
 * @param localUrl of the shared port
 * @param version of the app
 * @returns what the outside may know
 */
export function agentSnapshot(
  profiles: readonly ProfileSnapshot[],
  localUrl: string | undefined,
  version: string,
): AgentSnapshot {
  const {
    name: _name,
    title: _title,
    localUrl: _localUrl,
    ...first
  } = profiles[0] as ProfileSnapshot;
  return {
    ...first,
    ...(localUrl && { localUrl }),
    version,
    ...(profiles.length > 1 && { profiles }),
  };
}

/**
 * The tokens of a session that has some.
 *
 * @param state the session's state
 * @returns the tokens, or `undefined`
 */
export function heldTokens(state: SessionState): TokenSet | undefined {
  return state.kind === 'active' || state.kind === 'offline' ? state.tokens : undefined;
}

function statusOf(parts: SnapshotParts): AgentStatus {
  if (parts.isAttempting) return 'signing-in';
  switch (parts.session.kind) {
    case 'none':
      return 'signed-out';
    case 'expired':
      return 'expired';
    case 'offline':
      return 'offline';
    default:
      return parts.isRelayReachable ? 'ready' : 'offline';
  }
}
