import type { AuditRecord } from '../record.ts';
import type { Origin } from './format.ts';
import { apiActivity } from './ocsf-api-activity.ts';
import { authentication } from './ocsf-authentication.ts';
import { event } from './ocsf-event.ts';

/**
 * Writes a record as an event of the Open Cybersecurity Schema Framework, version 1.5.0: Authentication
 * (3002) for what a person does with a session, API Activity (6003) for all others.
 *
 * @param record any
 * @param request the request that an outcome belongs to, if known
 * @param origin the product's version
 * @returns one line of JSON, without its end
 * @see https://schema.ocsf.io/1.5.0/classes/api_activity
 */
export function ocsfLine(
  record: AuditRecord,
  request: AuditRecord | undefined,
  origin: Origin,
): string {
  const body = authentication(record) ?? apiActivity(record, request);
  return JSON.stringify(event(record, body, request, origin));
}
