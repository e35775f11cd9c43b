import { parseArgs } from 'node:util';

/** How much is measured. */
export interface BenchOptions {
  readonly json: boolean;
  readonly rounds: number;
  readonly warmMs: number;
  readonly sliceMs: number;
  readonly connections: readonly number[];
  readonly streamBytes: number;
}

/** What `--help` and bad usage print. */
export const USAGE = `usage: npm run bench -- [--quick] [--json]
  --quick  short slices: shows that everything works; its figures mean little
  --json   one JSON object in place of tables
`;

const MIB = 1024 * 1024;

/**
 * Reads the command line.
 *
 * @param args without node and the script
 * @returns what to measure; undefined when help was asked for
 * @throws {TypeError} for an unknown option
 */
export function readOptions(args: string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const connections = [1, 8, 64];
  return values.quick
    ? {
        json: values.json,
        rounds: 2,
        warmMs: 500,
        sliceMs: 250,
        connections,
        streamBytes: 16 * MIB,
      }
    : {
        json: values.json,
        rounds: 4,
        warmMs: 5000,
        sliceMs: 1500,
        connections,
        streamBytes: 100 * MIB,
      };
}
