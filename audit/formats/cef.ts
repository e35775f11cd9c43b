import type { AuditRecord } from '../record.ts';
import type { Origin } from './format.ts';
import { resultOf } from './outcome.ts';

/** What some readers take for the end of a line, or of the text; CEF has no way to write it. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNWRITABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u2028\u2029]/g;

function headerText(value: string): string {
  return value
    .replaceAll(UNWRITABLE, ' ')
    .replaceAll(/[\r\n]/g, ' ')
    .replaceAll(/[\\|]/g, String.raw`\$&`);
}

function extensionText(value: string | number): string {
  return String(value)
    .replaceAll(UNWRITABLE, ' ')
    .replaceAll(/[\\=]/g, String.raw`\$&`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\n', String.raw`\n`);
}

function severity(record: AuditRecord): number {
  if (record.decision === 'deny') return 6;
  return resultOf(record) === 'failure' ? 4 : 1;
}

function name({ kind, decision }: AuditRecord): string {
  if (kind === 'request') return decision === 'deny' ? 'Request denied' : 'Request allowed';
  if (kind === 'outcome') return 'Request ended';
  return kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll('-', ' ');
}

type Value = string | number | undefined;

/** `src` is for IPv4 only. */
function source(ip: string | undefined): [string, Value][] {
  if (ip === undefined || !ip.includes(':')) return [['src', ip]];
  return [
    ['c6a2Label', 'Source IPv6 Address'],
    ['c6a2', ip],
  ];
}

/** CEF has dates as milliseconds, and six texts of one's own, each with a label. */
function extension(record: AuditRecord, request: AuditRecord | undefined): [string, Value][] {
  const { ip, method, path, tool, clientId, rule } = request ?? record;
  const custom: readonly (readonly [label: string, value: Value])[] = [
    ['upstream', record.upstream],
    ['rule', record.rule ?? rule],
    ['clientId', record.clientId ?? clientId],
    ['issuer', record.issuer],
    ['traceId', record.traceId ?? request?.traceId],
    ['recordHash', record.hash],
  ];
  return [
    ['rt', Date.parse(record.at)],
    ['externalId', record.id],
    ['cn1Label', 'seq'],
    ['cn1', record.seq],
    ['cat', record.kind],
    ['act', record.decision],
    ['outcome', resultOf(record)],
    ['reason', record.code],
    ['suid', record.user],
    ['suser', record.userName],
    ...source(ip),
    ['sproc', tool?.name],
    ['spid', tool?.pid],
    ['requestMethod', method],
    ['request', path],
    ['requestContext', record.requestId],
    ['destinationServiceName', record.api],
    ['in', record.bytesIn],
    ['out', record.bytesOut],
    ['cn2Label', record.status === undefined ? undefined : 'status'],
    ['cn2', record.status],
    ['cn3Label', record.durationMs === undefined ? undefined : 'durationMs'],
    ['cn3', record.durationMs],
    ['cnt', record.count],
    ...custom.flatMap(([label, value], at): [string, Value][] =>
      value === undefined
        ? []
        : [
            [`cs${at + 1}Label`, label],
            [`cs${at + 1}`, value],
          ],
    ),
    ['msg', record.detail],
  ];
}

/**
 * Writes a record in the Common Event Format.
 *
 * @param record any
 * @param request the request that an outcome belongs to, if known
 * @param origin the product's version
 * @returns one line, without its end; whatever a value holds, it opens no field of its own
 * @see Micro Focus Security ArcSight Common Event Format, version 25, "Character encoding"
 */
export function cefLine(
  record: AuditRecord,
  request: AuditRecord | undefined,
  origin: Origin,
): string {
  const id = record.code === undefined ? record.kind : `${record.kind}:${record.code}`;
  const header = ['CEF:0', 'Latchkey', `Latchkey ${record.side}`, origin.version, id, name(record)];
  const fields = extension(record, request).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${extensionText(value)}`],
  );
  const start = header.map((text, at) => (at === 0 ? text : headerText(text))).join('|');
  return `${start}|${severity(record)}|${fields.join(' ')}`;
}
