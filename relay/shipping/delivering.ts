import type { DeadLetters } from './dead-letters.ts';
import type { Delivery, Item, Sink } from './sink.ts';
import type { Telling } from './telling.ts';

type Failed = Extract<Delivery, { kind: 'failed' }>;

/**
 * Delivers items in order; resolves to undefined when each is delivered or a dead letter, and to the failure
 * otherwise.
 *
 * @param settled hears of the last item of each part that needs no further delivery
 */
type Delivering = (items: readonly Item[], settled: Settled) => Promise<Failed | undefined>;

/** @param refusedInARow dead letters since the sink took a record; 0: it took this one */
type Settled = (last: Item, refusedInARow: number) => Promise<void>;

/** A sink that refuses so many in a row refuses everything: that is no poison, and what comes is kept back. */
const MOST_DEAD_IN_A_ROW = 20;

/**
 * Makes what delivers a batch, and finds in one that is refused for good the records that are to blame.
 *
 * @param deps the sink, where to put what it refuses, `signal` gives up; `refusedInARow` says what `settled`
 *   heard last, in another process maybe: else each restart would bury twenty more
 * @returns the function
 */
export function createDelivering(deps: {
  readonly sink: Pick<Sink, 'deliver'>;
  readonly deadLetters: DeadLetters;
  readonly signal: AbortSignal;
  readonly refusedInARow: () => number;
  readonly telling: Pick<Telling, 'died'>;
}): Delivering {
  const { sink, deadLetters, signal, refusedInARow, telling } = deps;

  async function bury(item: Item, problem: string): Promise<Failed | undefined> {
    if (refusedInARow() >= MOST_DEAD_IN_A_ROW)
      return {
        kind: 'failed',
        reason: 'rejected',
        problem: `${problem}; the last ${refusedInARow()} records were refused, so the rest is kept back`,
      };
    try {
      await deadLetters.add(item, problem);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: 'failed', reason: 'dead_letter', problem: reason };
    }
    telling.died(item.record.seq, problem);
    return undefined;
  }

  async function deliver(items: readonly Item[], settled: Settled): Promise<Failed | undefined> {
    const last = items.at(-1);
    if (last === undefined) return undefined;
    const delivery = await sink.deliver(items, signal);
    if (delivery.kind === 'failed') return delivery;
    if (delivery.kind === 'rejected' && items.length > 1) {
      const middle = Math.ceil(items.length / 2);
      const failure = await deliver(items.slice(0, middle), settled);
      return failure ?? (await deliver(items.slice(middle), settled));
    }
    const isRejected = delivery.kind === 'rejected';
    const failure = isRejected ? await bury(last, delivery.problem) : undefined;
    if (failure === undefined) await settled(last, isRejected ? refusedInARow() + 1 : 0);
    return failure;
  }
  return deliver;
}
