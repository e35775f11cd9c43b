import type { EffectiveSetting } from '../main/agent/settings/settings.ts';
import { loadSettings } from '../main/agent/settings/settings.ts';
import { dirOf, parsed, type CommandIo } from './command-line.ts';
import { maskSetting } from '../main/doctor/mask.ts';
import { specs } from './specs.ts';

/**
 * Runs `latchkey policy`: each effective setting, its source, and what is wrong in the files.
 *
 * @param argv what follows `policy`
 * @param io where to write, the environment
 * @returns 0; faults are shown and each has a safe value in its place
 * @throws {AgentError} `bad_usage`
 */
export function runPolicy(argv: readonly string[], io: CommandIo): Promise<number> {
  const values = parsed(argv, specs.policy.options);
  const loaded = loadSettings({ dataDir: dirOf(values['data-dir'], io), env: io.env });
  const settings = loaded.effective().map((setting) => maskSetting(setting, { query: false }));
  const { faults } = loaded;
  io.out(values.json ? `${JSON.stringify({ settings, faults })}\n` : policyText(settings, faults));
  return Promise.resolve(0);
}

function policyText(settings: readonly EffectiveSetting[], faults: readonly string[]): string {
  const rows = settings.map(({ key, value, source, locked, file }) => [
    key,
    value === undefined ? '-' : JSON.stringify(value),
    locked ? `${source}, locked` : source,
    file ?? '',
  ]);
  const table = aligned([['SETTING', 'VALUE', 'SOURCE', 'FILE'], ...rows]);
  if (faults.length === 0) return table;
  return `${table}\nFaults:\n${faults.map((fault) => `  ${fault}\n`).join('')}`;
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
