import { buildReport, type ReportOptions } from './report.ts';
import { reportText } from './text.ts';

/** The options of `audit report`, as parseArgs takes them. */
export const reportOptions = {
  since: { type: 'string' },
  until: { type: 'string' },
  user: { type: 'string' },
  api: { type: 'string' },
  timezone: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/**
 * The command `audit report`.
 *
 * @param dir the ledger's directory
 * @param options as given on the command line
 * @param nowMs epoch ms
 * @returns what to print
 * @throws {AuditError} `audit_query`, `audit_config`
 */
export function reportCommand(
  dir: string,
  { json = false, ...options }: ReportOptions & { readonly json?: boolean | undefined },
  nowMs: number,
): string {
  const report = buildReport(dir, options, nowMs);
  return json ? `${JSON.stringify(report)}\n` : reportText(report);
}
