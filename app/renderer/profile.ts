import type { SnapshotView } from '../main/ipc/contract.ts';
import type { PartProps } from './part-props.ts';

/**
 * Finds out which profile calls must name.
 *
 * @param snapshot all of the agent
 * @param chosen the profile that the person chose, which may be gone since
 * @returns its name or the first one's; nothing while there is only one
 */
export function profileArgs(
  snapshot: SnapshotView | undefined,
  chosen: string | undefined,
): PartProps['profile'] {
  const profiles = snapshot?.profiles ?? [];
  const shown = profiles.find(({ name }) => name === chosen) ?? profiles[0];
  return shown === undefined ? [] : [shown.name];
}

/**
 * What people call the profile that is shown.
 *
 * @param snapshot what the page shows
 * @param profile as calls name it
 * @returns its title; undefined while there is only one
 */
export function titleOf(
  { profiles }: SnapshotView,
  [shown]: PartProps['profile'],
): string | undefined {
  return profiles?.find(({ name }) => name === shown)?.title;
}

/**
 * Puts one profile's side in the place of the first one's.
 *
 * @param snapshot all of the agent
 * @param profile as calls name it
 * @returns what the page shows; the same while there is only one
 */
export function shownSide(snapshot: SnapshotView, [shown]: PartProps['profile']): SnapshotView {
  const { version, profiles } = snapshot;
  const side = profiles?.find(({ name }) => name === shown);
  return side === undefined || profiles === undefined ? snapshot : { ...side, version, profiles };
}
