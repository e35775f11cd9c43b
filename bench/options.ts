import { parseArgs } from 'node:util';
import { PEER_NAMES, type PeerName } from './catalogue.ts';

/** What can be measured, in this order. */
const SCENARIOS = [
  'throughput',
  'latency',
  'tokens',
  'credentials',
  'apis',
  'stream',
  'early',
  'websockets',
  'hop',
] as const;

/** One of {@link SCENARIOS}. */
export type Scenario = (typeof SCENARIOS)[number];

/** How much is measured. */
export interface BenchOptions {
  readonly json: boolean;
  readonly profile: boolean;
  readonly peers: readonly PeerName[];
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  readonly repeats: number;
  readonly warmSeconds: number;
  readonly sliceSeconds: number;
  readonly streamBytes: number;
  readonly streamRounds: number;
  readonly manyTokens: number;
  readonly manyApis: number;
  readonly webSockets: number;
}

/** What `--help` and bad usage print. */
export const USAGE = `usage: npm run bench -- [--quick] [--json] [--profile] [--peers A,B] [--scenarios A,B] [--rounds N]
  --quick      short slices: shows that everything works; its figures mean little
  --json       one JSON object in place of tables
  --profile    profiles the relay under load into bench/out/ and prints what takes the time and the memory
  --peers      ${PEER_NAMES.join(' ')}
  --scenarios  ${SCENARIOS.join(' ')}
  --rounds     slices of each peer between slices of the reference (default 4)
`;

const MIB = 1024 * 1024;

const FULL = {
  rounds: 4,
  repeats: 1,
  warmSeconds: 12,
  sliceSeconds: 2,
  streamBytes: 100 * MIB,
  streamRounds: 5,
  manyTokens: 100_000,
  manyApis: 10_000,
  webSockets: 9_000,
};
const QUICK = {
  rounds: 1,
  repeats: 0,
  warmSeconds: 1,
  sliceSeconds: 1,
  streamBytes: 16 * MIB,
  streamRounds: 1,
  manyTokens: 5_000,
  manyApis: 200,
  webSockets: 200,
};

function chosen<T extends string>(
  option: string,
  text: string | undefined,
  all: readonly T[],
  usual: readonly T[],
): readonly T[] {
  if (text === undefined) return usual;
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) {
    throw new TypeError(`--${option}: there is no ${unknown}; there are ${all.join(', ')}`);
  }
  return all.filter((name) => names.includes(name));
}

/**
 * Reads the command line.
 *
 * @param args without node and the script
 * @returns what to measure; undefined when help was asked for
 * @throws {TypeError} for an unknown option, peer or scenario
 */
export function readOptions(args: string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      peers: { type: 'string' },
      scenarios: { type: 'string' },
      rounds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const extent = values.quick ? QUICK : FULL;
  const rounds = values.rounds === undefined ? extent.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new TypeError('--rounds must be a whole number, 1 or more');
  }
  const usual = PEER_NAMES.filter(
    (name) => !['app', 'pipe', 'httpxy', 'bare', 'wire'].includes(name),
  );
  return {
    ...extent,
    rounds,
    json: values.json,
    profile: values.profile,
    peers: chosen('peers', values.peers, PEER_NAMES, usual),
    scenarios: chosen('scenarios', values.scenarios, SCENARIOS, SCENARIOS),
  };
}
