import { outsideText } from '../../ui/outside-text.ts';
import type { PolicyReport } from '../main/agent/control/target.ts';
import { policyReport } from '../main/agent/policy-report.ts';
import { loadSettings } from '../main/agent/settings/settings.ts';
import { dirOf, parsed, type CommandIo } from './command-line.ts';
import { maskSetting } from '../main/doctor/mask.ts';
import { managerWords } from '../main/manager-words.ts';
import { specs } from './specs.ts';

/**
 * Runs `latchkey policy`: who manages this computer, each effective setting, its source, and what is wrong in the files.
 *
 * @param argv what follows `policy`
 * @param io where to write, the environment
 * @returns 0; faults are shown and each has a safe value in its place
 * @throws {AgentError} `bad_usage`
 */
export function runPolicy(argv: readonly string[], io: CommandIo): Promise<number> {
  const values = parsed(argv, specs.policy.options);
  const loaded = loadSettings({ dataDir: dirOf(values['data-dir'], io), env: io.env });
  const held = policyReport(loaded);
  const settings = held.settings.map((setting) => maskSetting(setting, { query: false }));
  const report = { ...held, settings };
  io.out(values.json ? `${JSON.stringify(report)}\n` : policyText(report, managerWords(loaded)));
  return Promise.resolve(0);
}

function policyText({ managedBy, settings, faults }: PolicyReport, manager: string): string {
  const help = managedBy?.help === undefined ? '' : `Help: ${outsideText(managedBy.help)}\n`;
  const head = managedBy === undefined ? '' : `Managed by ${manager}\n${help}\n`;
  const rows = settings.map(({ key, value, source, locked, file }) => [
    key,
    value === undefined ? '-' : outsideText(JSON.stringify(value)),
    locked ? `${source}, locked` : source,
    file ?? '',
  ]);
  const table = `${head}${aligned([['SETTING', 'VALUE', 'SOURCE', 'FILE'], ...rows])}`;
  if (faults.length === 0) return table;
  return `${table}\nFaults:\n${faults.map((fault) => `  ${outsideText(fault)}\n`).join('')}`;
}

/** Long values don't push the other columns off the screen. */
const widestColumn = 40;

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(widestColumn, Math.max(...rows.map((row) => row[column]?.length ?? 0))),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
