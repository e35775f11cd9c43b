import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createFormatter, lineEnd, type Origin } from './formats/format.ts';
import type { AuditFormat } from './formats/names.ts';
import { openNames } from './people/reveal.ts';
import {
  condition,
  openReader,
  type Row,
  type RowFilter,
  segmentsToRead,
  toRecord,
} from './reader.ts';

const pageRecords = 1000;

/** What to export. */
export interface ExportOptions
  extends Pick<RowFilter, 'since' | 'until' | 'user' | 'api'>, Partial<Origin> {
  readonly format: AuditFormat;
}

/**
 * Reads a ledger in the order of the chain; works while it is being written.
 *
 * @param dir the ledger's directory
 * @param options format, filters, and the version that OCSF and CEF name
 * @yields chunks of whole lines, a record each; CSV begins with the names of its columns
 * @throws {AuditError} `audit_query` for a time that can't be read; `audit_config`
 */
export async function* exportLedger(dir: string, options: ExportOptions): AsyncGenerator<string> {
  const { format, version = 'unknown' } = options;
  const names = openNames(dir);
  try {
    const people = options.user === undefined ? undefined : names.pseudonymsOf(options.user);
    const filter = condition({ ...options, people });
    const formatter = createFormatter(format, { version });
    const end = lineEnd(format);
    if (formatter.head !== '') yield formatter.head;
    for (const rows of pages(dir, filter)) {
      yield rows.map((row) => formatter.line(names.reveal(toRecord(row))) + end).join('');
    }
  } finally {
    names.close();
  }
}

function* pages(dir: string, { sql, values }: ReturnType<typeof condition>): Generator<Row[]> {
  for (const file of segmentsToRead(dir)) {
    const db = openReader(file);
    if (!db) continue;
    try {
      // Page by page, so that no long read transaction holds up the writer's checkpoints.
      const page = db.prepare<unknown[], Row>(
        `SELECT seq, body, hash FROM records WHERE seq > ? AND ${sql} ORDER BY seq LIMIT ?`,
      );
      let after = 0;
      for (;;) {
        const rows = page.all(after, ...values, pageRecords);
        const last = rows.at(-1);
        if (!last) break;
        yield rows;
        after = last.seq;
      }
    } finally {
      db.close();
    }
  }
}

/**
 * Writes an export to a stream at the speed of its reader.
 *
 * @param dir the ledger's directory
 * @param options format and filters
 * @param output left open at the end
 * @throws {AuditError} `audit_query`, `audit_config`; whatever the stream fails with
 */
export async function writeExport(
  dir: string,
  options: ExportOptions,
  output: Writable,
): Promise<void> {
  for await (const chunk of exportLedger(dir, options)) {
    // `once` rejects on 'error', so that a reader that went away ends the export.
    if (!output.write(chunk)) await once(output, 'drain');
  }
}
