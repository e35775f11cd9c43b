import { readFile } from 'node:fs/promises';
import type { RelayConfig } from '../config/config.ts';
import { describeConfig } from '../config/describe.ts';
import { parseConfigText } from '../config/document.ts';
import { loadConfig } from '../config/load.ts';
import { lintPolicy } from '../policy/lint.ts';
import type { CommandIo } from './io.ts';
import { optionsOrUsage, reportConfigError } from './options.ts';

/** How it is called. */
export const CHECK_CONFIG_USAGE =
  'latchkey-relay check-config --config relay.yaml [--print] [--strict]';

/** Warnings as faults are told: with the place in the file. */
async function warningsOf(file: string, config: RelayConfig, env: NodeJS.ProcessEnv) {
  const warnings = lintPolicy(config);
  if (warnings.length === 0) return [];
  const document = parseConfigText(await readFile(file, 'utf8'), env);
  return warnings.map(({ path, message }) => {
    const { line, column } = document.positionOf({ path, message });
    return `${file}:${line}:${column} ${path.join('.')}: warning: ${message}\n`;
  });
}

/**
 * The command `check-config`: tells every fault of a configuration, or that there is none, and what
 * in its policy is probably not meant.
 *
 * @param argv what follows the command's name
 * @param io where to write, and the environment
 * @returns exit code: 0 usable, 2 faults or bad usage; with `--strict` also for warnings
 */
export async function checkConfig(argv: readonly string[], io: CommandIo): Promise<number> {
  const names = { values: ['config'], flags: ['print', 'strict'], required: ['config'] };
  const options = optionsOrUsage(argv, names, CHECK_CONFIG_USAGE, io);
  const file = options?.values['config'];
  if (options === undefined || file === undefined) return 2;
  try {
    const config = await loadConfig(file, { env: io.env });
    const warnings = await warningsOf(file, config, io.env);
    for (const warning of warnings) io.stderr.write(warning);
    const counted = warnings.length === 0 ? '' : `, ${warnings.length} warning(s)`;
    io.stdout.write(
      options.flags.has('print')
        ? describeConfig(config)
        : `ok: ${file}, ${config.issuers.length} issuer(s), ${config.apis.length} API(s)${counted}, sha256 ${config.hash}\n`,
    );
    return options.flags.has('strict') && warnings.length > 0 ? 2 : 0;
  } catch (error) {
    return reportConfigError(error, io);
  }
}
