import type { Peer } from './peer.ts';
import { median } from './statistics.ts';
import { slice, type Load, type Slice } from './wrk.ts';

/** Slices of a peer and of the reference, taken in turn, and their medians. */
export interface Compared {
  /** Requests a second against the mean of the reference's slices before and after. */
  readonly ratio: number;
  readonly ratioRange: readonly [number, number];
  readonly p50Ratio: number;
  /** CPU time a request of the reference against the peer's: above 1 the peer is cheaper. */
  readonly cpuRatio: number;
  readonly median: Slice;
  /** The reference's own slices. */
  readonly beside: readonly Slice[];
}

/** What alternation needs. */
export interface Alternation {
  readonly rounds: number;
  /** How often a slice that others disturbed is taken again. */
  readonly repeats: number;
  /** Absent where it cannot be had; ratios are then NaN. */
  readonly reference: Peer | undefined;
  /** What the reference is sent, where that differs. */
  readonly referenceLoad?: Load;
}

/** Others' share of a core above which a slice says little. */
const DISTURBED = 0.1;

async function quietSlice(peer: Peer, load: Load, repeats: number): Promise<Slice> {
  let best = await slice(peer, load);
  for (let again = 0; again < repeats && best.strangers > DISTURBED; again += 1) {
    const next = await slice(peer, load);
    if (next.strangers < best.strangers) best = next;
  }
  return best;
}

/**
 * Takes the median of each figure.
 *
 * @param slices of one peer
 * @returns medians, which need not be of one slice
 */
export function middle(slices: readonly Slice[]): Slice {
  const of = (name: keyof Slice): number => median(slices.map((one) => one[name]));
  return {
    requests: of('requests'),
    perSecond: of('perSecond'),
    p50Us: of('p50Us'),
    p99Us: of('p99Us'),
    cpuUs: of('cpuUs'),
    busy: of('busy'),
    strangers: of('strangers'),
  };
}

/**
 * Loads a peer and the reference in turn (A B A B A), so that what slows the machine falls on both.
 *
 * @param peer the peer, warm
 * @param load what it is sent; a function where each slice needs requests of its own
 * @param alternation the reference, and how often
 * @returns medians
 * @throws {Error} at the first wrong answer
 */
export async function compare(
  peer: Peer,
  load: Load | (() => Promise<Load>),
  { rounds, repeats, reference, referenceLoad }: Alternation,
): Promise<Compared> {
  const next = typeof load === 'function' ? load : () => Promise.resolve(load);
  const own: Slice[] = [];
  const beside: Slice[] = [];
  const against = async (): Promise<void> => {
    if (reference !== undefined) {
      beside.push(await quietSlice(reference, referenceLoad ?? (await next()), repeats));
    }
  };
  await against();
  for (let round = 0; round < rounds; round += 1) {
    own.push(await quietSlice(peer, await next(), repeats));
    await against();
  }
  const mean = (round: number, of: keyof Slice): number =>
    ((beside[round]?.[of] ?? Number.NaN) + (beside[round + 1]?.[of] ?? Number.NaN)) / 2;
  const ratios = own.map((one, round) => one.perSecond / mean(round, 'perSecond'));
  return {
    ratio: median(ratios),
    ratioRange: [Math.min(...ratios), Math.max(...ratios)],
    p50Ratio: median(own.map((one, round) => one.p50Us / mean(round, 'p50Us'))),
    cpuRatio: median(own.map((one, round) => mean(round, 'cpuUs') / one.cpuUs)),
    median: middle(own),
    beside,
  };
}
