import type { AuditRecord } from '../record.ts';

type Column = readonly [name: string, of: (record: AuditRecord) => string | number | undefined];

const plain = (name: Exclude<keyof AuditRecord, 'tool' | 'expiry'>): Column => [
  name,
  (record) => record[name],
];

/** In this order for good: new ones go to the end, so that imports by position keep working. */
const columns: readonly Column[] = [
  plain('seq'),
  plain('id'),
  plain('at'),
  plain('kind'),
  plain('side'),
  plain('requestId'),
  plain('traceId'),
  plain('issuer'),
  plain('user'),
  plain('userName'),
  plain('clientId'),
  ['tool.name', ({ tool }) => tool?.name],
  ['tool.pid', ({ tool }) => tool?.pid],
  ['tool.key', ({ tool }) => tool?.key],
  plain('ip'),
  plain('api'),
  plain('rule'),
  plain('method'),
  plain('path'),
  plain('decision'),
  plain('code'),
  plain('status'),
  plain('upstream'),
  plain('bytesIn'),
  plain('bytesOut'),
  plain('durationMs'),
  plain('closedBy'),
  plain('tokenId'),
  plain('authTime'),
  plain('acr'),
  plain('binding'),
  plain('configHash'),
  plain('count'),
  plain('detail'),
  plain('hash'),
  plain('prev'),
  plain('who'),
];

/** The names of the columns. */
export const csvHeader = columns.map(([name]) => name).join(',');

/** What spreadsheets take for a formula; a line feed, since some trim what is before the sign. */
const FORMULA = /^[=+\-@\t\r\n]/;

/** What is not seen, or ends the text for some readers: all control characters but tab and line ends. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSEEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]/g;

const shown = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A cell that a spreadsheet shows as text, whoever chose its contents.
 *
 * @see RFC 4180 §2.5 to §2.7; OWASP, CSV Injection
 */
function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const visible = value.replaceAll(UNSEEN, shown);
  const text = FORMULA.test(visible) ? `'${visible}` : visible;
  return /[",\r\n]/.test(text) || text !== visible ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Writes a record as a line of CSV.
 *
 * @param record any
 * @returns the line, without its CRLF; a text that a spreadsheet would calculate begins with `'`, and control
 *   characters are written as in JSON
 * @see RFC 4180
 */
export function csvLine(record: AuditRecord): string {
  return columns.map(([, of]) => cell(of(record))).join(',');
}
