import type { AuditRecord } from '../../../audit/record.ts';
import type { AgentSnapshot, ApiInfo } from '../agent/status.ts';
import type { ActivityRecord, ApiView, SnapshotView } from './contract.ts';
import { curlLine } from './curl.ts';

/**
 * What the window gets to see of the agent.
 *
 * @param snapshot the agent's own
 * @returns plain data; the sign-in address, which carries the attempt's state, stays behind
 */
export function snapshotView(snapshot: AgentSnapshot): SnapshotView {
  const { signInUrl, apis, ...rest } = snapshot;
  return {
    ...rest,
    signInPage: signInUrl !== undefined,
    apis: apis.map(apiView),
  };
}

function apiView(api: ApiInfo): ApiView {
  const { name, title, localUrl, rules, description, docs } = api;
  return {
    name,
    title,
    localUrl,
    rules,
    curl: curlLine(api),
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
  return record.tool?.name === undefined ? picked : { ...picked, tool: record.tool.name };
}
