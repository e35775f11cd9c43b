import { compare } from '../alternate.ts';
import type { Peer } from '../peer.ts';
import { paced, type Latency } from '../rate.ts';
import { round2, type Row } from '../result.ts';
import { USUAL_APIS, USUAL_TOKENS, type Run } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests } from '../session.ts';
import { median } from '../statistics.ts';
import type { SessionScenario } from './scenario.ts';

const CONNECTIONS = [1, 8, 64] as const;
const PER_SECOND = 2_000;

/** p50 and p99 in a closed loop, and at a fixed rate, each with its ratio to the reference. */
export function createLatency(run: Run): SessionScenario {
  const rows: Row[] = [];
  let requests: Promise<string> | undefined;
  const rounds = Math.max(1, Math.ceil(run.options.rounds / 2));
  const rate = {
    tokens: run.authority.tokens.slice(0, USUAL_TOKENS),
    apis: USUAL_APIS,
    connections: MANY_CONNECTIONS,
    perSecond: PER_SECOND,
    seconds: run.options.sliceSeconds,
  };

  async function closedLoop(peer: Peer, connections: number): Promise<Row['cells']> {
    requests ??= usualRequests(run);
    const load = { requestsFile: await requests, connections, seconds: run.options.sliceSeconds };
    const { repeats } = run.options;
    const compared = await compare(peer, load, { rounds, repeats, reference: run.reference });
    const { p50Us, p99Us } = compared.median;
    return [Math.round(p50Us), round2(compared.p50Ratio), Math.round(p99Us)];
  }

  async function atRate(peer: Peer): Promise<Row['cells']> {
    const own: Latency[] = [];
    const beside: Latency[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      if (run.reference !== undefined) beside.push(await paced(run.reference, rate));
      own.push(await paced(peer, rate));
    }
    const of = (list: readonly Latency[], name: keyof Latency): number =>
      median(list.map((one) => one[name]));
    return (['p50Us', 'p99Us'] as const).flatMap((name) => [
      Math.round(of(own, name)),
      round2(of(own, name) / of(beside, name)),
    ]);
  }

  return {
    async measure(peer) {
      const cells: (string | number | null)[] = [];
      for (const connections of CONNECTIONS) cells.push(...(await closedLoop(peer, connections)));
      cells.push(...(await atRate(peer)));
      rows.push({ name: peer.name, cells });
    },
    result: () => ({
      scenario: 'latency',
      title:
        'Latency in µs, by connections (closed loop) and at 2,000 requests/s over 64 connections',
      notes: [
        `Each ratio is to ${run.reference?.name ?? 'nothing'}, in turn with it; below 1 is faster.`,
      ],
      columns: [
        ...CONNECTIONS.flatMap((count) => [`c${count} p50`, 'ratio', `c${count} p99`]),
        '2k/s p50',
        'ratio',
        '2k/s p99',
        'ratio',
      ],
      rows,
    }),
  };
}
