import type { Finding } from '../../audit/anomalies/rules.ts';
import type { AuditFields } from '../../audit/record.ts';
import { toolOf } from '../../audit/tool-of.ts';

/** One anomaly on its way to a webhook. */
export interface Message {
  /** The same when it is sent again. */
  readonly id: string;
  readonly body: string;
}

/**
 * Describes an anomaly for the audit.
 *
 * @param finding what was found
 * @returns the members of an `anomaly` record; what is about an address names nobody
 */
export function describeFinding({ rule, about, record, detail }: Finding): AuditFields {
  const { issuer, user, userName, clientId, tool, ip, api, requestId, traceId } = record;
  const fields: { -readonly [K in keyof AuditFields]: AuditFields[K] | undefined } = {
    rule,
    detail,
    ip,
    requestId,
    traceId,
    code: about === 'source' || rule === 'denials' ? record.code : undefined,
    ...(about === 'person' ? { issuer, user, userName, clientId, tool, api } : {}),
  };
  return fields as AuditFields;
}

/**
 * Writes an anomaly for a webhook.
 *
 * @param id of the message, a ULID
 * @param finding what was found
 * @param relay the relay's own address, where it is configured
 * @returns the message; its shape is that of Standard Webhooks
 * @see https://www.standardwebhooks.com
 */
export function writeMessage(id: string, finding: Finding, relay: string | undefined): Message {
  const { rule, detail, issuer, user, userName, ip, api, code, requestId } =
    describeFinding(finding);
  const tool = finding.about === 'person' ? toolOf(finding.record) : undefined;
  const data = { rule, detail, relay, issuer, user, userName, ip, tool, api, code, requestId };
  return {
    id,
    body: JSON.stringify({ type: 'latchkey.anomaly', timestamp: finding.record.at, data }),
  };
}
