import { readFile } from 'node:fs/promises';
import { checkPeer } from './check.ts';
import { slice, stream, type Slice } from './load.ts';
import type { BenchOptions } from './options.ts';
import type { Peer } from './peer.ts';

/** Every round's figures of one peer, in order. */
export interface Measured {
  readonly peer: Peer;
  /** By the number of connections. */
  readonly slices: ReadonlyMap<number, Slice[]>;
  /** MB (10^6 bytes) a second. */
  readonly download: number[];
  readonly upload: number[];
  /** Resident memory of each process after all load, in MiB; empty where the system does not tell. */
  readonly rssMib: number[];
}

const WARM_CONNECTIONS = 64;

async function residentMib(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) / 1024;
}

/**
 * Checks, warms and measures the peers, one at a time in alternation, so that what disturbs the machine
 * for a while falls on all of them.
 *
 * @param peers the running peers
 * @param options how much
 * @param progress told in words what comes next
 * @returns what was measured, in the peers' order
 * @throws {Error} at the first wrong answer
 */
export async function measure(
  peers: readonly Peer[],
  options: BenchOptions,
  progress: (text: string) => void,
): Promise<readonly Measured[]> {
  progress('checking that each peer answers rightly');
  for (const peer of peers) await checkPeer(peer);
  progress('warming');
  for (const peer of peers) await slice(peer, WARM_CONNECTIONS, options.warmMs);
  const all = peers.map((peer) => ({
    peer,
    slices: new Map(options.connections.map((count): [number, Slice[]] => [count, []])),
    download: [] as number[],
    upload: [] as number[],
    rssMib: [] as number[],
  }));
  for (let round = 1; round <= options.rounds; round += 1) {
    progress(`round ${round} of ${options.rounds}`);
    for (const count of options.connections) {
      for (const { peer, slices } of all) {
        slices.get(count)?.push(await slice(peer, count, options.sliceMs));
      }
    }
    for (const direction of ['download', 'upload'] as const) {
      for (const one of all) {
        one[direction].push(await stream(one.peer, direction, options.streamBytes));
      }
    }
  }
  for (const { peer, rssMib } of all) {
    for (const { pid } of peer.processes) {
      const mib = await residentMib(pid);
      if (mib !== undefined) rssMib.push(mib);
    }
  }
  return all;
}
