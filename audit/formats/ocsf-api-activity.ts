import type { AuditKind, AuditRecord } from '../record.ts';
import type { ClassBody } from './ocsf-event.ts';
import { actor, source } from './ocsf-objects.ts';

type Activity = ClassBody['activity'];

const UNKNOWN: Activity = { id: 0, name: 'Unknown' };
const CREATE: Activity = { id: 1, name: 'Create' };
const READ: Activity = { id: 2, name: 'Read' };
const UPDATE: Activity = { id: 3, name: 'Update' };
const DELETE: Activity = { id: 4, name: 'Delete' };

const BY_METHOD: Readonly<Record<string, Activity>> = {
  GET: READ,
  HEAD: READ,
  OPTIONS: READ,
  QUERY: READ,
  POST: CREATE,
  PUT: UPDATE,
  PATCH: UPDATE,
  DELETE,
};

/** Of what happens to the relay or the app itself. */
const BY_KIND: { readonly [Kind in AuditKind]?: Activity } = {
  config: UPDATE,
  'admin-read': READ,
  export: READ,
  erase: DELETE,
};

/** Version 1.5.0 names no others. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'TRACE']);

function isRequest({ kind }: AuditRecord): boolean {
  return kind === 'request' || kind === 'outcome' || kind === 'interrupted';
}

function activityOf(record: AuditRecord, method: string | undefined): Activity {
  if (!isRequest(record)) return BY_KIND[record.kind] ?? { id: 99, name: record.kind };
  if (method === undefined) return UNKNOWN;
  return BY_METHOD[method] ?? { id: 99, name: method };
}

function httpRequest(record: AuditRecord, whole: AuditRecord): object {
  const { method, path, bytesIn } = whole;
  return {
    uid: record.requestId,
    http_method: method !== undefined && METHODS.has(method) ? method : undefined,
    url: url(path),
    body_length: bytesIn,
  };
}

function url(path: string | undefined): object | undefined {
  if (path === undefined) return undefined;
  const at = path.indexOf('?');
  return at < 0 ? { path } : { path: path.slice(0, at), query_string: path.slice(at + 1) };
}

function httpResponse({ status, bytesOut, durationMs }: AuditRecord): object | undefined {
  if (status === undefined) return undefined;
  const latency = durationMs === undefined ? undefined : Math.round(durationMs);
  return { code: status, body_length: bytesOut, latency };
}

function operation(record: AuditRecord, { method, path }: AuditRecord): string {
  if (!isRequest(record)) return record.kind;
  const [plain] = (path ?? '').split('?', 1);
  return [method, plain].filter((part) => part).join(' ') || record.kind;
}

/** The rule that decided, as far as a rule did. */
function authorizations({ decision, rule }: AuditRecord): object[] | undefined {
  if (decision === undefined) return undefined;
  const word = decision === 'allow' ? 'allowed' : 'denied';
  return [{ decision: word, policy: rule === undefined ? undefined : { name: rule } }];
}

/**
 * Tells of a call of an API: `activity_id` from the method, `api.operation` the method and path.
 *
 * @param record any
 * @param request the request that an outcome belongs to, if known
 * @returns the attributes of API Activity, class 6003
 */
export function apiActivity(record: AuditRecord, request: AuditRecord | undefined): ClassBody {
  const whole = { ...request, ...record };
  const { upstream, api } = whole;
  const service = api ?? (isRequest(record) ? undefined : 'latchkey');
  return {
    class: { uid: 6003, name: 'API Activity', category: 'Application Activity' },
    activity: activityOf(record, whole.method),
    attributes: {
      actor: { ...actor(record, request), authorizations: authorizations(whole) },
      api: {
        operation: operation(record, whole),
        service: service === undefined ? undefined : { name: service },
        request: record.requestId === undefined ? undefined : { uid: record.requestId },
      },
      src_endpoint: source(whole),
      dst_endpoint: upstream === undefined ? undefined : { name: upstream, svc_name: api },
      http_request: isRequest(record) ? httpRequest(record, whole) : undefined,
      http_response: httpResponse(record),
    },
    told: ['user', 'userName', 'api', 'path', 'ip', 'upstream', 'status', 'bytesIn', 'bytesOut'],
  };
}
