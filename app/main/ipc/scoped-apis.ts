import type { AgentSnapshot, ApiInfo } from '../agent/status.ts';

/** An API by the name that tool keys know it by. */
export interface ScopedApi {
  /** `billing`, or `acme/billing` while several relays are set up. */
  readonly scope: string;
  /** `acme/*`, which opens all of that relay. */
  readonly profileScope?: string;
  readonly title: string;
  readonly api: ApiInfo;
}

/**
 * Lists every API that a tool key can open.
 *
 * @param snapshot the agent's own
 * @returns the APIs of all profiles
 */
export function scopedApis({ apis, profiles }: AgentSnapshot): readonly ScopedApi[] {
  if (profiles === undefined) {
    return apis.map((api) => ({ scope: api.name, title: api.title, api }));
  }
  return profiles.flatMap(({ name, title, apis }) =>
    apis.map((api) => ({
      scope: `${name}/${api.name}`,
      profileScope: `${name}/*`,
      title: `${title}: ${api.title}`,
      api,
    })),
  );
}

/**
 * Lists what a tool key can be limited to.
 *
 * @param snapshot the agent's own
 * @returns each API; before a profile's, all of them as one
 */
export function keyScopes(
  snapshot: AgentSnapshot,
): readonly { readonly name: string; readonly title: string }[] {
  const each = scopedApis(snapshot).map(({ scope, title }) => ({ name: scope, title }));
  const whole = (snapshot.profiles ?? []).map(({ name, title }) => ({
    name: `${name}/*`,
    title: `${title}: every API`,
  }));
  return [...whole, ...each];
}
