import { compare, middle, type Compared } from '../alternate.ts';
import { usageOf } from '../machine.ts';
import type { Peer } from '../peer.ts';
import { round2, type Result, type Row } from '../result.ts';
import type { Run } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests } from '../session.ts';
import type { Slice } from '../wrk.ts';
import type { SessionScenario } from './scenario.ts';

const TITLE = 'Throughput: 64 connections, 1,000 tokens, 20 APIs';
const COLUMNS = [
  'req/s',
  'ratio',
  'range',
  'CPU µs/req',
  'CPU ratio',
  'core %',
  'p50 µs',
  'p99 µs',
  'RSS MiB',
  'others %',
] as const;
const NOTES = [
  'ratio: requests a second against the reference slices before and after. CPU ratio: CPU time a request of the',
  "reference against the peer's. core %: how much of its core the peer used; well below 100, the generator was the",
  'limit and the CPU ratio tells more. others %: what strangers took of a core meanwhile; above 10 a slice says little.',
];

const percent = (share: number): number => Math.round(share * 100);

function cells(one: Slice, ratios: Row['cells'], rssMib: number): Row['cells'] {
  const [ratio = null, range = null, cpuRatio = null] = ratios;
  return [
    Math.round(one.perSecond),
    ratio,
    range,
    Math.round(one.cpuUs * 10) / 10,
    cpuRatio,
    percent(one.busy),
    Math.round(one.p50Us),
    Math.round(one.p99Us),
    rssMib === 0 ? null : Math.round(rssMib),
    percent(one.strangers),
  ];
}

const rangeText = ([low, high]: Compared['ratioRange']): string =>
  `${low.toFixed(2)}–${high.toFixed(2)}`;

/** Requests a second, and what each costs, beside the reference. */
export function createThroughput(run: Run): SessionScenario {
  const rows: Row[] = [];
  const beside: Slice[] = [];
  let requests: Promise<string> | undefined;

  async function measure(peer: Peer): Promise<void> {
    requests ??= usualRequests(run);
    const load = {
      requestsFile: await requests,
      connections: MANY_CONNECTIONS,
      seconds: run.options.sliceSeconds,
    };
    const { rounds, repeats } = run.options;
    const compared = await compare(peer, load, { rounds, repeats, reference: run.reference });
    beside.push(...compared.beside);
    const ratios = [
      round2(compared.ratio),
      rangeText(compared.ratioRange),
      round2(compared.cpuRatio),
    ];
    rows.push({
      name: peer.name,
      cells: cells(compared.median, ratios, usageOf(peer).rssMib),
    });
  }

  function result(): Result {
    const { reference } = run;
    const first: readonly Row[] =
      reference === undefined || beside.length === 0
        ? []
        : [
            {
              name: reference.name,
              cells: cells(middle(beside), [1, '', 1], usageOf(reference).rssMib),
            },
          ];
    return {
      scenario: 'throughput',
      title: TITLE,
      notes: NOTES,
      columns: COLUMNS,
      rows: [...first, ...rows],
    };
  }
  return { measure, result };
}
