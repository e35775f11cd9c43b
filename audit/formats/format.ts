import type { AuditRecord } from '../record.ts';
import { cefLine } from './cef.ts';
import { csvHeader, csvLine } from './csv.ts';
import { ocsfLine } from './ocsf.ts';
import type { AuditFormat } from './names.ts';
import { createPairing } from './pairing.ts';

/** Writes records in one format, in the order of the chain. */
export interface Formatter {
  /** What stands before the first record, with its line end; empty for most. */
  readonly head: string;
  /** One record, without a line end. */
  line(record: AuditRecord): string;
  /** Hears of a record that is not written, so that its outcome can still be told in full. */
  pass(record: AuditRecord): void;
}

/** What the records were written by. */
export interface Origin {
  /** Latchkey's version. */
  readonly version: string;
}

/**
 * Prepares a format.
 *
 * @param format which
 * @param origin what is said of the product
 * @returns the formatter; it remembers requests that have not ended, a bounded number of them
 */
export function createFormatter(format: AuditFormat, origin: Origin): Formatter {
  switch (format) {
    case 'jsonl':
      return { head: '', line: (record) => JSON.stringify(record), pass: () => {} };
    case 'csv':
      return { head: `${csvHeader}\r\n`, line: csvLine, pass: () => {} };
    case 'ocsf':
      return paired((record, request) => ocsfLine(record, request, origin));
    case 'cef':
      return paired((record, request) => cefLine(record, request, origin));
    default:
      return format satisfies never;
  }
}

function paired(
  write: (record: AuditRecord, request: AuditRecord | undefined) => string,
): Formatter {
  const pairing = createPairing();
  return {
    head: '',
    line: (record) => write(record, pairing.requestOf(record)),
    pass: (record) => void pairing.requestOf(record),
  };
}

/**
 * The line end of a format.
 *
 * @param format which
 * @returns CRLF for CSV (RFC 4180 §2.1), LF otherwise
 */
export function lineEnd(format: AuditFormat): string {
  return format === 'csv' ? '\r\n' : '\n';
}
