import { usageOf } from '../machine.ts';
import type { Peer, StartPeer } from '../peer.ts';
import { haproxy } from '../programs/haproxy.ts';
import { bare } from '../programs/node-peers.ts';
import { round2, type Result, type Row } from '../result.ts';
import type { Run } from '../run.ts';
import { MANY_CONNECTIONS, usualRequests, warm, withPeer } from '../session.ts';
import { median } from '../statistics.ts';
import { readSlowly, stream, uploadWithEarlyAnswer } from '../streams.ts';
import type { OwnScenario } from './scenario.ts';

const MIB = 1024 * 1024;
const DIRECTIONS = ['download', 'upload'] as const;
const SLOW_READERS = 8;
/** A body whose size shows whether memory grows with it. */
const LARGER = 4;

/** Starts the upstream that knows large bodies, and the reference in front of it. */
async function withOrigin<T>(
  run: Run,
  measure: (upstream: string, reference: Peer | undefined) => Promise<T>,
): Promise<T> {
  const origin = await run.opened.script('load', 'origin', ['bench/origin.ts']);
  const upstream = origin.url.origin;
  try {
    if (run.reference === undefined) return await measure(upstream, undefined);
    return await withPeer(run, haproxy, { upstream }, (peer) => measure(upstream, peer));
  } finally {
    await origin.child.stop();
  }
}

/** Those that know large bodies. */
const carriers = ({ starters }: Run): readonly StartPeer[] =>
  starters.filter((start) => start !== bare);

interface Streamed {
  readonly mbPerSecond: number[];
  readonly cpuMs: number[];
}

const empty = (): Streamed => ({ mbPerSecond: [], cpuMs: [] });

async function streamOnce(
  run: Run,
  peer: Peer,
  direction: (typeof DIRECTIONS)[number],
  into: Streamed,
): Promise<void> {
  const { streamBytes } = run.options;
  const before = usageOf(peer).cpuMs;
  const token = run.authority.tokens[0] ?? '';
  into.mbPerSecond.push(await stream(peer, token, direction, streamBytes));
  into.cpuMs.push(((usageOf(peer).cpuMs - before) * 100 * MIB) / streamBytes);
}

function streamCells(own: Streamed, beside: Streamed): Row['cells'] {
  return [
    Math.round(median(own.mbPerSecond)),
    round2(median(own.mbPerSecond.map((value, at) => value / (beside.mbPerSecond[at] ?? NaN)))),
    Math.round(median(own.cpuMs)),
    round2(median(own.cpuMs) / median(beside.cpuMs)),
  ];
}

async function streamPeer(run: Run, peer: Peer, reference: Peer | undefined): Promise<Row> {
  const { streamRounds, streamBytes, warmSeconds } = run.options;
  const token = run.authority.tokens[0] ?? '';
  const requestsFile = await usualRequests(run);
  const load = { requestsFile, connections: MANY_CONNECTIONS, seconds: 1 };
  await warm(run, peer, load);
  for (const direction of DIRECTIONS) await stream(peer, token, direction, streamBytes);
  const before = usageOf(peer).rssMib;
  const cells: (string | number | null)[] = [];
  for (const direction of DIRECTIONS) {
    const own = empty();
    const beside = empty();
    for (let round = 0; round < streamRounds; round += 1) {
      if (reference !== undefined) await streamOnce(run, reference, direction, beside);
      await streamOnce(run, peer, direction, own);
    }
    cells.push(...streamCells(own, beside));
  }
  const { peakMib } = usageOf(peer);
  for (const direction of DIRECTIONS) await stream(peer, token, direction, LARGER * streamBytes);
  const larger = usageOf(peer).peakMib;
  await readSlowly(peer, token, SLOW_READERS, Math.min(4, warmSeconds));
  const memory = [before, peakMib, larger, usageOf(peer).peakMib];
  cells.push(...memory.map((mib) => (mib === 0 ? null : Math.round(mib))));
  return { name: peer.name, cells };
}

/** Large bodies both ways: speed, cost, memory. */
export const streams: OwnScenario = (run) =>
  withOrigin(run, async (upstream, reference): Promise<Result> => {
    const rows: Row[] = [];
    if (reference !== undefined) rows.push(await streamPeer(run, reference, reference));
    for (const start of carriers(run)) {
      rows.push(
        await withPeer(run, start, { upstream }, (peer) => {
          run.progress(`stream: ${peer.name}`);
          return streamPeer(run, peer, reference);
        }),
      );
    }
    const mib = Math.round(run.options.streamBytes / MIB);
    return {
      scenario: 'stream',
      title: `A body of ${mib} MiB each way`,
      notes: [
        'CPU: ms of the peer for 100 MiB, in steps of 10 a body. Memory in MiB: after load; peak after these bodies,',
        `after bodies of ${mib * LARGER} MiB, and with ${SLOW_READERS} readers at 10 MB/s. The upload is answered when it has been read.`,
      ],
      columns: [
        ...['down', 'up'].flatMap((way) => [`${way} MB/s`, 'ratio', 'CPU', 'ratio']),
        'RSS',
        'peak',
        'peak larger',
        'peak slow',
      ],
      rows,
    };
  });

/** An upstream that answers before it has read the body. */
export const early: OwnScenario = (run) =>
  withOrigin(run, async (upstream, reference): Promise<Result> => {
    const rows: Row[] = [];
    const token = run.authority.tokens[0] ?? '';
    const add = async (peer: Peer): Promise<void> => {
      const { answerMs, end } = await uploadWithEarlyAnswer(peer, token);
      rows.push({
        name: peer.name,
        cells: [answerMs === undefined ? null : Math.round(answerMs), end],
      });
    };
    if (reference !== undefined) await add(reference);
    for (const start of carriers(run)) await withPeer(run, start, { upstream }, add);
    return {
      scenario: 'early',
      title: 'An answer before the end of a 64 MiB upload',
      notes: [
        'Time to the answer, and what became of the rest within 5 s: read on, connection closed, or hangs.',
      ],
      columns: ['answer ms', 'the rest'],
      rows,
    };
  });
