import type { AuditRecord } from '../../../audit/record.ts';
import type { AgentSnapshot, ApiInfo } from '../agent/status.ts';
import type { ActivityRecord } from '../../../ui/activity-record.ts';
import type { ApiView, SnapshotView } from './contract.ts';
import { curlLine } from './curl.ts';

/**
 * What the window gets to see of the agent.
 *
 * @param snapshot the agent's own
 * @returns plain data; the sign-in addresses, which carry their attempts' state, stay behind
 */
export function snapshotView(snapshot: AgentSnapshot): SnapshotView {
  const { version, profiles } = snapshot;
  return {
    ...sideView(snapshot),
    version,
    ...(profiles && {
      profiles: profiles.map((profile) => ({
        ...sideView(profile),
        name: profile.name,
        title: profile.title,
      })),
    }),
  };
}

/** Listed, so that nothing more reaches the window. */
function sideView(
  side: Omit<AgentSnapshot, 'version' | 'profiles'>,
): Omit<SnapshotView, 'version' | 'profiles'> {
  const { status, user, relay, localUrl, apis, signInUrl, fault, store, expiresAtMs } = side;
  return {
    status,
    store,
    apis: apis.map(apiView),
    signInPage: signInUrl !== undefined,
    ...(user && { user }),
    ...(relay !== undefined && { relay }),
    ...(localUrl !== undefined && { localUrl }),
    ...(fault && { fault }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

function apiView(api: ApiInfo): ApiView {
  const { name, title, localUrl, ownUrl, rules, description, docs } = api;
  return {
    name,
    title,
    localUrl,
    rules,
    curl: curlLine(api),
    ...(ownUrl === undefined ? {} : { ownUrl }),
    ...(description === undefined ? {} : { description }),
    ...(docs === undefined ? {} : { docs }),
  };
}

const shown = [
  'seq',
  'at',
  'kind',
  'requestId',
  'api',
  'rule',
  'method',
  'path',
  'decision',
  'code',
  'status',
  'bytesIn',
  'bytesOut',
  'durationMs',
  'closedBy',
  'count',
  'detail',
] as const satisfies readonly (keyof AuditRecord & keyof ActivityRecord)[];

/**
 * What the window gets to see of one audit record.
 *
 * @param record the record as stored
 * @returns its readable members
 */
export function activityView(record: AuditRecord): ActivityRecord {
  const picked = Object.fromEntries(
    shown.flatMap((key) => (record[key] === undefined ? [] : [[key, record[key]]])),
  ) as unknown as ActivityRecord;
  const { name: tool, key: toolKey } = record.tool ?? {};
  return {
    ...picked,
    ...(tool === undefined ? {} : { tool }),
    ...(toolKey === undefined ? {} : { toolKey }),
  };
}
