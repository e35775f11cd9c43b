import { relayJsonSchema } from '../config/json-schema.ts';
import type { CommandIo } from './io.ts';

/**
 * The command `schema`: prints the JSON Schema of relay.yaml.
 *
 * @param io where to write
 * @returns exit code 0
 */
export function printSchema(io: Pick<CommandIo, 'stdout'>): number {
  io.stdout.write(`${JSON.stringify(relayJsonSchema(), undefined, 2)}\n`);
  return 0;
}
