import { AgentError } from '../errors.ts';
import type { ApiInfo } from '../status.ts';
import type { LocalHost } from './entrance.ts';
import type { ProxyProfile } from './proxy-deps.ts';
import { findSite, notRelayed } from './routes.ts';

/** Whom a request is for. */
export interface Choice<P> {
  readonly profile: P;
  /** The canonical path there, without the profile's name. */
  readonly path: string;
}

/** Finds the profile that a request names. */
export type ChooseProfile<P> = (host: LocalHost, path: string) => Choice<P> | Promise<Choice<P>>;

/** What the choice looks at. */
export type Choosable = Pick<ProxyProfile, 'name' | 'title' | 'snapshot' | 'apis'>;

/**
 * Makes the choice among profiles. It looks at nothing but what the guard has read: the canonical path,
 * the door and the name, so that whatever is ambiguous there was refused before.
 *
 * @param profiles at least one; a single one has every request, and its name is in none
 * @param localUrl of the shared port, for words on how to write a request
 * @returns the choice; it throws `AgentError` `unknown_profile`, and `foreign_host` for sites of none or of two
 */
export function createProfileChoice<P extends Choosable>(
  profiles: readonly P[],
  localUrl: () => string,
): ChooseProfile<P> {
  const [only, ...others] = profiles;
  if (only !== undefined && others.length === 0) return (_, path) => ({ profile: only, path });
  const byName = new Map(profiles.map((profile) => [profile.name, profile]));

  function unknown(what: string, right: (profile: string) => string): AgentError {
    const ways = [...byName.keys()].map(right).join(' or ');
    return new AgentError(
      'unknown_profile',
      `${what} Several relays are set up, and a request names one of them: ${ways}.`,
    );
  }

  function byPath(path: string): Choice<P> {
    const end = path.indexOf('/', 1);
    const profile = byName.get(end < 0 ? path.slice(1) : path.slice(1, end));
    if (profile !== undefined) return { profile, path: end < 0 ? '/' : path.slice(end) };
    throw unknown('The path begins with no profile.', (name) => `${localUrl()}/${name}${path}`);
  }

  function byApi({ name, profile }: Extract<LocalHost, { kind: 'api' }>, path: string): Choice<P> {
    const found = profile === undefined ? undefined : byName.get(profile);
    if (found !== undefined) return { profile: found, path };
    throw unknown('The host’s name has no profile.', (of) => `${name}.${of}.localhost`);
  }

  return (host, path) => {
    if (host.kind === 'api') return byApi(host, path);
    const ofDoor = host.profile === undefined ? undefined : byName.get(host.profile);
    if (ofDoor !== undefined) return { profile: ofDoor, path };
    if (host.kind === 'loopback') return byPath(path);
    return bySite(profiles, host.host, localUrl).then((profile) => ({ profile, path }));
  };
}

/** Nobody is asked to sign in: whoever uses the port as a proxy can name any site. */
async function bySite<P extends Choosable>(
  profiles: readonly P[],
  host: string,
  localUrl: () => string,
): Promise<P> {
  const known = await Promise.all(
    profiles.map(async (profile) => ({ profile, apis: await knownApis(profile) })),
  );
  const [found, ...more] = known.filter(({ apis }) => findSite(host, apis ?? []) !== undefined);
  if (found === undefined) {
    const signedOut = known.filter(({ apis }) => apis === undefined);
    throw notRelayed(
      host,
      known.flatMap(({ apis }) => apis ?? []),
      signedOut.map(({ profile }) => profile.title),
    );
  }
  if (more.length === 0) return found.profile;
  const titles = [found, ...more].map(({ profile }) => profile.title).join(' and by ');
  const names = [found, ...more].map(({ profile }) => profile.name).join(' or ');
  throw new AgentError(
    'foreign_host',
    `${host} is relayed by ${titles}. Name one of them in the address (${names}, as in ${localUrl()}/${found.profile.name}/…), or use a port of its own as the proxy (relays[].port in settings.json).`,
  );
}

/** @returns undefined while nobody is signed in; a relay that cannot be reached must not hold up the others */
async function knownApis(profile: Choosable): Promise<readonly ApiInfo[] | undefined> {
  const { apis, expiresAtMs, status } = profile.snapshot();
  if (expiresAtMs === undefined) return undefined;
  return status === 'offline' ? apis : profile.apis().catch(() => apis);
}
