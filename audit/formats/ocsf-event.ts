import type { AuditRecord } from '../record.ts';
import type { Origin } from './format.ts';
import { resultOf } from './outcome.ts';

/** The schema that events are written for; a released version, so that receivers can rely on it. */
const OCSF_VERSION = '1.5.0';

/** What a class adds to the event. */
export interface ClassBody {
  readonly class: { readonly uid: number; readonly name: string; readonly category: string };
  readonly activity: { readonly id: number; readonly name: string };
  /** The class's own attributes. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Members of the record that `attributes` tells. */
  readonly told: readonly (keyof AuditRecord)[];
}

const STATUS = {
  success: { status_id: 1, status: 'Success' },
  failure: { status_id: 2, status: 'Failure' },
  pending: { status_id: 99, status: 'Pending' },
} as const;

/** Members that the attributes below tell; whatever is left goes to `unmapped`. */
const TOLD = new Set<keyof AuditRecord>([
  'seq',
  'id',
  'at',
  'requestId',
  'detail',
  'sealed',
  'code',
  'count',
  'durationMs',
]);

function severity(record: AuditRecord): { severity_id: number; severity: string } {
  if (record.decision === 'deny') return { severity_id: 3, severity: 'Medium' };
  if (resultOf(record) === 'failure') return { severity_id: 2, severity: 'Low' };
  return { severity_id: 1, severity: 'Informational' };
}

function unmapped(record: AuditRecord, body: ClassBody): Record<string, unknown> {
  const told = new Set<string>([...TOLD, ...body.told]);
  return Object.fromEntries(Object.entries(record).filter(([name]) => !told.has(name)));
}

/**
 * Puts around a class's attributes what all events have.
 *
 * @param record any
 * @param body of its class
 * @param request the request that an outcome belongs to, if known
 * @param origin the product's version
 * @returns the event
 */
export function event(
  record: AuditRecord,
  body: ClassBody,
  request: AuditRecord | undefined,
  origin: Origin,
): object {
  const time = Date.parse(record.at);
  const typeUid = body.class.uid * 100 + body.activity.id;
  return {
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Latchkey', vendor_name: 'Latchkey', version: origin.version },
      log_name: 'audit',
      log_provider: `latchkey-${record.side}`,
      uid: record.id,
      sequence: record.seq,
      original_time: record.at,
      event_code: record.code === undefined ? record.kind : `${record.kind}:${record.code}`,
      correlation_uid: record.requestId,
    },
    time,
    category_uid: Math.trunc(body.class.uid / 1000),
    category_name: body.class.category,
    class_uid: body.class.uid,
    class_name: body.class.name,
    activity_id: body.activity.id,
    activity_name: body.activity.name,
    type_uid: typeUid,
    type_name: `${body.class.name}: ${body.activity.name}`,
    ...severity(record),
    ...STATUS[resultOf(record)],
    status_code: record.status === undefined ? undefined : String(record.status),
    status_detail: record.code,
    message: record.detail,
    count: record.count,
    duration: record.durationMs === undefined ? undefined : Math.round(record.durationMs),
    start_time: request && Date.parse(request.at),
    end_time: request && time,
    ...body.attributes,
    unmapped: unmapped(record, body),
  };
}
