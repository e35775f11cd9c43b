import { describeConfig } from '../config/describe.ts';
import { loadConfig } from '../config/load.ts';
import type { CommandIo } from './io.ts';
import { type Options, readOptions, reportConfigError, reportUsage } from './options.ts';

const USAGE = 'latchkey-relay check-config --config relay.yaml [--print]';

/**
 * The command `check-config`: tells every fault of a configuration, or that there is none.
 *
 * @param argv what follows the command's name
 * @param io where to write, and the environment
 * @returns exit code: 0 usable, 2 faults or bad usage
 */
export async function checkConfig(argv: readonly string[], io: CommandIo): Promise<number> {
  let options: Options;
  try {
    options = readOptions(argv, { values: ['config'], flags: ['print'] });
  } catch (error) {
    return reportUsage(error instanceof Error ? error.message : String(error), USAGE, io);
  }
  const file = options.values['config'];
  if (file === undefined) return reportUsage('--config is missing', USAGE, io);
  try {
    const config = await loadConfig(file, { env: io.env });
    io.stdout.write(
      options.flags.has('print')
        ? describeConfig(config)
        : `ok: ${file}, ${config.issuers.length} issuer(s), ${config.apis.length} API(s), sha256 ${config.hash}\n`,
    );
    return 0;
  } catch (error) {
    return reportConfigError(error, io);
  }
}
