import { relayJsonSchema } from '../config/json-schema.ts';
import type { CommandIo } from './io.ts';
import { optionsOrUsage } from './options.ts';

/** How it is called. */
export const SCHEMA_USAGE = 'latchkey-relay schema';

/**
 * The command `schema`: prints the JSON Schema of relay.yaml.
 *
 * @param argv what follows the command's name: nothing
 * @param io where to write
 * @returns exit code: 0, or 2 for bad usage
 */
export function printSchema(argv: readonly string[], io: CommandIo): number {
  if (!optionsOrUsage(argv, { values: [], flags: [] }, SCHEMA_USAGE, io)) return 2;
  io.stdout.write(`${JSON.stringify(relayJsonSchema(), undefined, 2)}\n`);
  return 0;
}
