import { hostname } from 'node:os';
import type { AuditRecord } from '../../audit/record.ts';
import { resultOf } from '../../audit/formats/outcome.ts';
import type { Item } from './sink.ts';

interface Attribute {
  readonly key: string;
  /** JSON of protocol buffers writes 64-bit integers as strings. */
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
}

function attribute(key: string, value: string | number | undefined): Attribute[] {
  if (value === undefined) return [];
  const isWhole = Number.isSafeInteger(value);
  return [{ key, value: isWhole ? { intValue: String(value) } : { stringValue: String(value) } }];
}

/** By the names of the semantic conventions where these have one. */
function attributes(record: AuditRecord): Attribute[] {
  return [
    ...attribute('latchkey.audit.seq', record.seq),
    ...attribute('latchkey.audit.hash', record.hash),
    ...attribute('latchkey.audit.kind', record.kind),
    ...attribute('latchkey.request.id', record.requestId),
    ...attribute('latchkey.api', record.api),
    ...attribute('latchkey.decision', record.decision),
    ...attribute('latchkey.code', record.code),
    ...attribute('user.id', record.user),
    ...attribute('client.address', record.ip),
    ...attribute('http.request.method', record.method),
    ...attribute('url.path', record.path),
    ...attribute('http.response.status_code', record.status),
    ...attribute('log.record.uid', record.id),
  ];
}

function severity(record: AuditRecord): { severityNumber: number; severityText: string } {
  return resultOf(record) === 'failure'
    ? { severityNumber: 13, severityText: 'WARN' }
    : { severityNumber: 9, severityText: 'INFO' };
}

const nanoseconds = (ms: number): string => `${ms}000000`;

function logRecord({ record, text }: Item, nowMs: number): object {
  const { traceId } = record;
  const hasTrace = traceId !== undefined && /^[0-9a-f]{32}$/.test(traceId);
  return {
    timeUnixNano: nanoseconds(Date.parse(record.at)),
    observedTimeUnixNano: nanoseconds(nowMs),
    ...severity(record),
    eventName: `latchkey.audit.${record.kind}`,
    body: { stringValue: text },
    attributes: attributes(record),
    ...(hasTrace ? { traceId } : {}),
  };
}

/**
 * Writes a batch as an export request of OpenTelemetry logs, in the JSON of protocol buffers.
 *
 * @param items the batch
 * @param version Latchkey's
 * @param nowMs epoch ms
 * @returns an ExportLogsServiceRequest
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function otlpLogs(items: readonly Item[], version: string, nowMs: number): object {
  return {
    resourceLogs: [
      {
        resource: {
          attributes: [
            ...attribute('service.name', 'latchkey-relay'),
            ...attribute('service.version', version),
            ...attribute('host.name', hostname()),
          ],
        },
        scopeLogs: [
          {
            scope: { name: 'latchkey.audit', version },
            logRecords: items.map((item) => logRecord(item, nowMs)),
          },
        ],
      },
    ],
  };
}
