import { hostname } from 'node:os';
import type { AuditRecord } from '../../audit/record.ts';
import type { SyslogSinkConfig } from '../config/sink-config.ts';
import type { Item } from './sink.ts';

const WARNING = 4;
const INFORMATIONAL = 6;
/** A number for documentation (RFC 5612): Latchkey has none of its own. */
const ELEMENT = 'latchkey@32473';

/** PRINTUSASCII of at most so many characters; NILVALUE when nothing is left (RFC 5424 §6). */
function name(value: string, most: number): string {
  return value.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, most) || '-';
}

/** RFC 5424 §6.3.3. A receiver may split what it reads at line ends, so that none is passed on. */
function parameter(key: string, value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = String(value)
    .replaceAll(/["\\\]]/g, String.raw`\$&`)
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    .replaceAll(/[\0-\x1f\x7f]/g, ' ');
  return ` ${key}="${text}"`;
}

function element(id: string, members: readonly (readonly [string, string | number | undefined])[]) {
  return `[${id}${members.map(([key, value]) => parameter(key, value)).join('')}]`;
}

/** So that receivers see gaps whatever the format; the standard one's numbers begin anew after 2^31-1. */
function places({ seq, id }: AuditRecord): string {
  const sequenceId = ((seq - 1) % 0x7fff_ffff) + 1;
  return (
    element('meta', [['sequenceId', sequenceId]]) +
    element(ELEMENT, [
      ['seq', seq],
      ['id', id],
    ])
  );
}

function structured(record: AuditRecord): string {
  const { tool, expiry, sealed: _, ...members } = record;
  const sequenceId = ((record.seq - 1) % 0x7fff_ffff) + 1;
  return (
    element('meta', [['sequenceId', sequenceId]]) +
    element(ELEMENT, [
      ...Object.entries(members),
      ['toolName', tool?.name],
      ['toolPid', tool?.pid],
      ['toolKey', tool?.key],
      ['expiry', expiry && JSON.stringify(expiry)],
    ])
  );
}

/**
 * Writes records as syslog messages.
 *
 * @param config of the sink
 * @returns a function that gives one message, without framing
 * @see RFC 5424 §6
 */
export function createSyslogMessages({
  facility,
  format,
}: Pick<SyslogSinkConfig, 'facility' | 'format'>): (item: Item) => string {
  const host = name(hostname(), 255);
  return ({ record, text }) => {
    const priority = facility * 8 + (record.decision === 'deny' ? WARNING : INFORMATIONAL);
    const isStructured = format === 'structured';
    const data = isStructured ? structured(record) : places(record);
    const message = isStructured ? '' : ` ${text}`;
    const kind = name(record.kind, 32);
    return `<${priority}>1 ${record.at} ${host} latchkey - ${kind} ${data}${message}`;
  };
}

/**
 * Frames a message by its length.
 *
 * @param message as written
 * @returns the length in bytes, a space and the message
 * @see RFC 5425 §4.3
 */
export function framed(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}
