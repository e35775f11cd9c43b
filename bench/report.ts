import type { Slice } from './load.ts';
import type { Measured } from './measure.ts';

/** One peer's medians, ready to print. */
export interface Row {
  readonly peer: string;
  readonly load: readonly {
    readonly connections: number;
    readonly perSecond: number;
    /** Median of the rounds' ratios to the reference of the same round, and their range. */
    readonly ratio: number;
    readonly ratioRange: readonly [number, number];
    readonly p50Us: number;
    readonly p99Us: number;
  }[];
  readonly download: { readonly mbPerSecond: number; readonly ratio: number };
  readonly upload: { readonly mbPerSecond: number; readonly ratio: number };
  readonly rssMib: readonly { readonly process: string; readonly mib: number }[];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function ratios(values: readonly number[], reference: readonly number[]): number[] {
  return values.map((value, round) => value / (reference[round] ?? Number.NaN));
}

const round2 = (value: number): number => Math.round(value * 100) / 100;

function loadOf(connections: number, slices: readonly Slice[], reference: readonly Slice[]) {
  const rates = slices.map(({ perSecond }) => perSecond);
  const against = ratios(
    rates,
    reference.map(({ perSecond }) => perSecond),
  );
  return {
    connections,
    perSecond: Math.round(median(rates)),
    ratio: round2(median(against)),
    ratioRange: [round2(Math.min(...against)), round2(Math.max(...against))] as const,
    p50Us: Math.round(median(slices.map(({ p50Us }) => p50Us))),
    p99Us: Math.round(median(slices.map(({ p99Us }) => p99Us))),
  };
}

function streamOf(values: readonly number[], reference: readonly number[]) {
  return {
    mbPerSecond: Math.round(median(values)),
    ratio: round2(median(ratios(values, reference))),
  };
}

/**
 * Works out medians and ratios.
 *
 * @param measured every peer's figures
 * @param referenceName the peer that ratios are against
 * @returns one row a peer
 * @throws {Error} when the reference was not measured
 */
export function summarize(measured: readonly Measured[], referenceName: string): readonly Row[] {
  const reference = measured.find(({ peer }) => peer.name === referenceName);
  if (reference === undefined) throw new Error(`${referenceName} was not measured`);
  return measured.map(({ peer, slices, download, upload, rssMib }) => ({
    peer: peer.name,
    load: [...slices].map(([count, list]) =>
      loadOf(count, list, reference.slices.get(count) ?? []),
    ),
    download: streamOf(download, reference.download),
    upload: streamOf(upload, reference.upload),
    rssMib: rssMib.map((mib, index) => ({
      process: peer.processes[index]?.name ?? '',
      mib: Math.round(mib),
    })),
  }));
}
